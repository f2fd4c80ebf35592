"""The metrics of one process, made when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.process_collector import ProcessCollector

from service.core.counts import Readings
from service.metrics.models import model_families
from service.metrics.store import store_families
from service.metrics.streams import stream_families

HIGHEST = frozenset(
    {
        "stepwire_info",
        "stepwire_store_degraded",
        "stepwire_oldest_unsaved_step_age_seconds",
    }
)
"""Gauges of which many processes have the highest; of every other one they have the sum."""


def families(readings: Readings, device: str = "cpu") -> Iterator[Metric]:
    """Every metric of this process, whose models run on `device`."""
    yield _info(device)
    yield from stream_families(readings)
    yield from model_families(readings.versions)
    if readings.store:
        yield from store_families(readings.store)
    yield from ProcessCollector(registry=None).collect()


def _info(device: str) -> Metric:
    family = GaugeMetricFamily(
        "stepwire_info",
        "The release that runs, and the device that computes.",
        labels=("release", "device"),
    )
    family.add_metric((version("stepwire"), device), 1)
    return family
