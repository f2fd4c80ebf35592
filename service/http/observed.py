"""What the HTTP port tells of: one process, or the parent of many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from prometheus_client.metrics_core import Metric

from service.console.view import Query, View
from service.operations.readiness import Readiness


class Observed(Protocol):
    async def readiness(self) -> Readiness: ...

    async def metrics(self) -> Iterable[Metric]: ...

    async def views(self, query: Query) -> Mapping[str, View]: ...
