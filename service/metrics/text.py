"""Metrics as the text that Prometheus reads, and back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


class _Alone(Collector):
    """One family, as an encoder takes it."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterable[Metric]:
        return (self._family,)


async def written(families: Iterable[Metric]) -> str:
    """Makes and writes one family at a time: the steps of streams run in between."""
    parts = []
    for family in families:
        parts.append(generate_latest(_Alone(family)))
        await asyncio.sleep(0)
    return b"".join(parts).decode()


def read(text: str) -> list[Metric]:
    return list(text_string_to_metric_families(text))
