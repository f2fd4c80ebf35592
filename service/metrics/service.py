"""The metrics of one process, made when they are asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from itertools import accumulate
from typing import NamedTuple

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.utils import floatToGoString

from service.core.counts import LaneReading, OpenCounts, Readings, StepCounts, StoreReading
from service.core.errors import StepFault
from service.core.histogram import SIZES, Histogram

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


def families(readings: Readings, device: str = "cpu") -> Iterator[Metric]:
    """Every metric of this process, whose models run on `device`."""
    yield _info(device)
    yield from _streams(readings)
    yield from _opens(readings.opens)
    yield from _models(readings.lanes)
    yield from _device([lane for lane in readings.lanes if lane.device])
    if readings.store:
        yield from _store(readings.store)
    yield from ProcessCollector(registry=None).collect()


def _info(device: str) -> Metric:
    family = GaugeMetricFamily(
        "stepwire_info",
        "The release that runs, and the device that computes.",
        labels=("release", "device"),
    )
    family.add_metric((version("stepwire"), device), 1)
    return family


def _streams(readings: Readings) -> Iterator[Metric]:
    streams = GaugeMetricFamily(
        "stepwire_streams",
        "Streams in memory, attached to a connection or detached.",
        labels=(*_MODEL, "state"),
    )
    for lane in readings.lanes:
        streams.add_metric((*_labels(lane), "attached"), lane.slots - lane.detached)
        streams.add_metric((*_labels(lane), "detached"), lane.detached)
    yield streams
    yield GaugeMetricFamily(
        "stepwire_streams_limit", "Streams that are kept in memory at most.", value=readings.limit
    )
    calls = GaugeMetricFamily(
        "stepwire_calls", "Open calls that carry timesteps.", labels=("protocol",)
    )
    for protocol, count in readings.opens.calls.items():
        calls.add_metric((protocol,), count)
    yield calls


def _opens(opens: OpenCounts) -> Iterator[Metric]:
    for name, text, value in (
        ("opens", "Streams opened, new and resumed.", opens.opened),
        ("streams_closed", "Streams that their clients ended.", opens.closed),
        ("streams_expired", "Streams that were detached for too long.", opens.expired),
        (
            "streams_spilled",
            "Detached streams that left memory for the state store, to make room for others.",
            opens.spilled,
        ),
    ):
        yield CounterMetricFamily(f"stepwire_{name}", text, value=value)
    yield _by_reason("opens_refused", "Streams that were not opened.", opens.refused)
    yield _by_reason("streams_lost", "Streams that go on at another server.", opens.lost)


def _by_reason(name: str, text: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(f"stepwire_{name}", text, labels=("reason",))
    for reason, count in counts.items():
        family.add_metric((reason,), count)
    return family


def _models(lanes: Sequence[LaneReading]) -> Iterator[Metric]:
    slots = GaugeMetricFamily(
        "stepwire_slots_used", "Rows of the state arena that streams have.", labels=_MODEL
    )
    for lane in lanes:
        slots.add_metric(_labels(lane), lane.slots)
    yield slots
    for name, text, of in _COUNTS:
        counter = CounterMetricFamily(name, text, labels=_MODEL)
        for lane in lanes:
            counter.add_metric(_labels(lane), of(lane.steps))
        yield counter
    yield _step_errors(lanes)
    for time in _TIMES:
        yield _times(time, lanes)
    yield _batch_sizes(lanes)


def _step_errors(lanes: Sequence[LaneReading]) -> Metric:
    family = CounterMetricFamily(
        "stepwire_step_errors", "Timesteps that were not accepted.", labels=(*_MODEL, "code")
    )
    for lane in lanes:
        for fault in StepFault:
            family.add_metric((*_labels(lane), fault.name), lane.steps.faults[fault])
    return family


def _times(time: _Time, lanes: Sequence[LaneReading]) -> Metric:
    family = HistogramMetricFamily(time.name, time.text, labels=_MODEL)
    for lane in lanes:
        histogram = time.of(lane.steps)
        family.add_metric(_labels(lane), buckets(histogram), histogram.total)
    return family


def _batch_sizes(lanes: Sequence[LaneReading]) -> Metric:
    family = HistogramMetricFamily(
        "stepwire_batch_size", "Streams that shared a run.", labels=_MODEL
    )
    for lane in lanes:
        histogram = Histogram(SIZES)
        for size, runs in lane.steps.sizes.items():
            histogram.repeat(size, runs)
        family.add_metric(_labels(lane), buckets(histogram), histogram.total)
    return family


def _device(lanes: Sequence[LaneReading]) -> Iterator[Metric]:
    """`lanes`: those whose device holds the states of some slots only."""
    if not lanes:
        return
    rows = GaugeMetricFamily(
        "stepwire_device_rows",
        "Rows for states in the memory of the device.",
        labels=(*_MODEL, "state"),
    )
    waiting = GaugeMetricFamily(
        "stepwire_host_slots", "Slots whose states are in the memory of the host.", labels=_MODEL
    )
    entered = CounterMetricFamily(
        "stepwire_device_entries", "States that came into the device's memory.", labels=_MODEL
    )
    spilled = CounterMetricFamily(
        "stepwire_spills", "States that left the device's memory for the host's.", labels=_MODEL
    )
    for lane in lanes:
        assert lane.device
        labels, device = _labels(lane), lane.device
        rows.add_metric((*labels, "used"), device.used)
        rows.add_metric((*labels, "free"), device.rows - device.used)
        waiting.add_metric(labels, lane.slots - device.used)
        entered.add_metric(labels, device.counts.entered)
        spilled.add_metric(labels, device.counts.spilled)
    yield from (rows, waiting, entered, spilled)


def _store(store: StoreReading) -> Iterator[Metric]:
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
    yield GaugeMetricFamily(
        "stepwire_oldest_unsaved_step_age_seconds",
        "Time since the oldest timestep that is not in the state store.",
        value=store.unsaved_for,
    )


def buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """Upper bounds as text, and how many values do not exceed each."""
    bounds = (*histogram.bounds, math.inf)
    return list(zip(map(floatToGoString, bounds), accumulate(histogram.counts), strict=True))


def _labels(lane: LaneReading) -> tuple[str, str]:
    return lane.model.name, str(lane.model.version)
