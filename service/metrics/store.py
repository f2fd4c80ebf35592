"""Metrics of the state store, as one process sees it."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric

from service.core.counts import StoreReading
from service.metrics.shapes import MODEL, buckets


def store_families(store: StoreReading) -> Iterator[Metric]:
    counts = store.counts
    for name, text, value in (
        ("rounds", "Rounds of writing what had changed.", counts.rounds),
        ("records_written", "Checkpoints that the state store took.", counts.written),
        ("records_refused", "Checkpoints of streams that others have taken.", counts.refused),
        ("failures", "Requests that the state store did not answer in time.", counts.failures),
    ):
        yield CounterMetricFamily(f"stepwire_store_{name}", text, value=value)
    yield HistogramMetricFamily(
        "stepwire_store_round_seconds",
        "A round of writing, until the state store has it.",
        buckets(counts.durations),
        counts.durations.total,
    )
    yield GaugeMetricFamily(
        "stepwire_store_degraded",
        "1 while the state store does not answer.",
        value=store.degraded_for is not None,
    )
    unsaved = GaugeMetricFamily(
        "stepwire_oldest_unsaved_step_age_seconds",
        "Time since the oldest timestep that is not in the state store.",
        labels=MODEL,
    )
    for model, age in store.unsaved_for.items():
        unsaved.add_metric((model.name, str(model.version)), age)
    yield unsaved
