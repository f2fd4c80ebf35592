"""The metrics of one process, made when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from typing import NamedTuple

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    SummaryMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.process_collector import ProcessCollector

from service.core.counts import LaneReading, Readings, StepCounts, StoreReading

HIGHEST = frozenset(
    {
        "stepwire_info",
        "stepwire_store_degraded",
        "stepwire_oldest_unsaved_step_age_seconds",
    }
)
"""Gauges of which many processes have the highest; of every other one they have the sum."""

_MODEL = ("model", "version")


class _Count(NamedTuple):
    name: str
    text: str
    of: Callable[[StepCounts], float]


_COUNTS = (
    _Count("stepwire_steps", "Timesteps that ran.", lambda counts: counts.ran),
    _Count(
        "stepwire_late_steps",
        "Timesteps that ran and whose budget was spent.",
        lambda counts: counts.late,
    ),
    _Count(
        "stepwire_held_steps",
        "Timesteps that did not run: the previous output stood in.",
        lambda counts: counts.held,
    ),
    _Count(
        "stepwire_replayed_steps",
        "Timesteps that had run before and were given their kept answer.",
        lambda counts: counts.replays,
    ),
    _Count(
        "stepwire_batches",
        "Runs of a model, each for one timestep of one or many streams.",
        lambda counts: counts.batches,
    ),
)


def families(readings: Readings) -> Iterator[Metric]:
    """Every metric of this process."""
    yield _info()
    yield _streams(readings)
    yield CounterMetricFamily(
        "stepwire_opens", "Streams opened, new and resumed.", value=readings.opens.opened
    )
    yield _refused_opens(readings)
    yield CounterMetricFamily(
        "stepwire_streams_spilled",
        "Detached streams that left memory for the state store, to make room for others.",
        value=readings.opens.spilled,
    )
    yield from _models(readings.lanes)
    if readings.store:
        yield from _store(readings.store)
    yield from ProcessCollector(registry=None).collect()


def _info() -> Metric:
    family = GaugeMetricFamily("stepwire_info", "The release that runs.", labels=("release",))
    family.add_metric((version("stepwire"),), 1)
    return family


def _streams(readings: Readings) -> Metric:
    family = GaugeMetricFamily(
        "stepwire_streams",
        "Streams in memory, with a connection and without one.",
        labels=("state",),
    )
    family.add_metric(("attached",), readings.attached)
    family.add_metric(("detached",), readings.detached)
    return family


def _refused_opens(readings: Readings) -> Metric:
    family = CounterMetricFamily(
        "stepwire_opens_refused", "Streams that were not opened.", labels=("reason",)
    )
    for reason, count in readings.opens.refused.items():
        family.add_metric((reason,), count)
    return family


def _models(lanes: Sequence[LaneReading]) -> Iterator[Metric]:
    slots = GaugeMetricFamily("stepwire_slots_used", "Rows of the state arena.", labels=_MODEL)
    for lane in lanes:
        slots.add_metric(_labels(lane), lane.slots)
    yield slots
    for name, text, of in _COUNTS:
        counter = CounterMetricFamily(name, text, labels=_MODEL)
        for lane in lanes:
            counter.add_metric(_labels(lane), of(lane.steps))
        yield counter
    yield from _times(lanes)
    yield _step_errors(lanes)


def _times(lanes: Sequence[LaneReading]) -> Iterator[Metric]:
    queued = SummaryMetricFamily(
        "stepwire_queue_seconds",
        "From reading a timestep to the start of its run.",
        labels=_MODEL,
    )
    computed = SummaryMetricFamily("stepwire_compute_seconds", "A run.", labels=_MODEL)
    for lane in lanes:
        steps = lane.steps
        queued.add_metric(_labels(lane), steps.ran, steps.queued)
        computed.add_metric(_labels(lane), steps.batches, steps.computed)
    yield from (queued, computed)


def _step_errors(lanes: Sequence[LaneReading]) -> Metric:
    family = CounterMetricFamily(
        "stepwire_step_errors", "Timesteps that were not accepted.", labels=(*_MODEL, "code")
    )
    for lane in lanes:
        for fault, count in lane.steps.faults.items():
            family.add_metric((*_labels(lane), fault.name), count)
    return family


def _store(store: StoreReading) -> Iterator[Metric]:
    counts = store.counts
    for name, text, value in (
        ("rounds", "Rounds of writing what had changed.", counts.rounds),
        ("records_written", "Checkpoints that the state store took.", counts.written),
        ("records_refused", "Checkpoints of streams that others have taken.", counts.refused),
        ("failures", "Requests that the state store did not answer in time.", counts.failures),
    ):
        yield CounterMetricFamily(f"stepwire_store_{name}", text, value=value)
    yield GaugeMetricFamily(
        "stepwire_store_degraded",
        "1 while the state store does not answer.",
        value=store.degraded_for is not None,
    )
    yield GaugeMetricFamily(
        "stepwire_oldest_unsaved_step_age_seconds",
        "Time since the oldest timestep that is not in the state store.",
        value=store.unsaved_for,
    )


def _labels(lane: LaneReading) -> tuple[str, str]:
    return lane.model.name, str(lane.model.version)
