"""Metrics of model versions: their steps, runs and states."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric

from service.core.counts import LaneReading, StepCounts
from service.core.errors import StepFault
from service.core.histogram import SIZES, Histogram
from service.metrics.shapes import MODEL, buckets, counter, labels_of


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


class _Time(NamedTuple):
    name: str
    text: str
    of: Callable[[StepCounts], Histogram]


_TIMES = (
    _Time(
        "stepwire_queue_seconds",
        "From reading a timestep to the start of its run.",
        lambda counts: counts.queue,
    ),
    _Time(
        "stepwire_compute_seconds",
        "A run, until what it gave is at hand.",
        lambda counts: counts.compute,
    ),
    _Time(
        "stepwire_write_seconds",
        "From the end of a timestep's run until its answer is given to gRPC.",
        lambda counts: counts.write,
    ),
    _Time(
        "stepwire_jitter_seconds",
        "How much the interval between two timesteps of a stream differs from the one before.",
        lambda counts: counts.jitter,
    ),
)


def model_families(lanes: Sequence[LaneReading]) -> Iterator[Metric]:
    yield from _steps(lanes)
    yield from _device([lane for lane in lanes if lane.device])


def _steps(lanes: Sequence[LaneReading]) -> Iterator[Metric]:
    slots = GaugeMetricFamily(
        "stepwire_slots_used", "Rows of the state arena that streams have.", labels=MODEL
    )
    for lane in lanes:
        slots.add_metric(labels_of(lane), lane.slots)
    yield slots
    for name, text, of in _COUNTS:
        yield counter(name, text, [(labels_of(lane), of(lane.steps)) for lane in lanes])
    yield _step_errors(lanes)
    for time in _TIMES:
        yield _times(time, lanes)
    yield _batch_sizes(lanes)


def _step_errors(lanes: Sequence[LaneReading]) -> Metric:
    family = CounterMetricFamily(
        "stepwire_step_errors", "Timesteps that were not accepted.", labels=(*MODEL, "code")
    )
    for lane in lanes:
        for fault in StepFault:
            family.add_metric((*labels_of(lane), fault.name), lane.steps.faults[fault])
    return family


def _times(time: _Time, lanes: Sequence[LaneReading]) -> Metric:
    family = HistogramMetricFamily(time.name, time.text, labels=MODEL)
    for lane in lanes:
        histogram = time.of(lane.steps)
        family.add_metric(labels_of(lane), buckets(histogram), histogram.total)
    return family


def _batch_sizes(lanes: Sequence[LaneReading]) -> Metric:
    family = HistogramMetricFamily(
        "stepwire_batch_size", "Streams that shared a run.", labels=MODEL
    )
    for lane in lanes:
        histogram = Histogram(SIZES)
        for size, runs in lane.steps.sizes.items():
            histogram.repeat(size, runs)
        family.add_metric(labels_of(lane), buckets(histogram), histogram.total)
    return family


def _device(lanes: Sequence[LaneReading]) -> Iterator[Metric]:
    """`lanes`: those whose device holds the states of some slots only."""
    if not lanes:
        return
    rows = GaugeMetricFamily(
        "stepwire_device_rows",
        "Rows for states in the memory of the device.",
        labels=(*MODEL, "state"),
    )
    waiting = GaugeMetricFamily(
        "stepwire_host_slots", "Slots whose states are in the memory of the host.", labels=MODEL
    )
    entered = CounterMetricFamily(
        "stepwire_device_entries", "States that came into the device's memory.", labels=MODEL
    )
    spilled = CounterMetricFamily(
        "stepwire_spills", "States that left the device's memory for the host's.", labels=MODEL
    )
    for lane in lanes:
        assert lane.device
        labels, device = labels_of(lane), lane.device
        rows.add_metric((*labels, "used"), device.used)
        rows.add_metric((*labels, "free"), device.rows - device.used)
        waiting.add_metric(labels, lane.slots - device.used)
        entered.add_metric(labels, device.counts.entered)
        spilled.add_metric(labels, device.counts.spilled)
    yield from (rows, waiting, entered, spilled)
