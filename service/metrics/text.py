"""Metrics as the text that Prometheus reads, and back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

_TOGETHER = 32
"""Samples: to write more would hold up the steps."""


class _Alone(Collector):
    """One family, as an encoder takes it."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterable[Metric]:
        return (self._family,)


async def written(families: Iterable[Metric]) -> str:
    """Makes one family at a time and writes a few samples at a time: the steps of streams run in
    between.
    """
    parts = []
    for family in families:
        for first in range(0, max(1, len(family.samples)), _TOGETHER):
            part = Metric(family.name, family.documentation, family.type)
            part.samples = family.samples[first : first + _TOGETHER]
            text = generate_latest(_Alone(part))
            parts.append(text if first == 0 else _without_head(text))
            await asyncio.sleep(0)
    return b"".join(parts).decode()


def _without_head(text: bytes) -> bytes:
    """Of a family, what stands below its help and its type."""
    return text.split(b"\n", 2)[2]


def read(text: str) -> list[Metric]:
    return list(text_string_to_metric_families(text))
