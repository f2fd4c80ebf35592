"""Metrics of streams: how many there are, how they come and go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from service.core.counts import LaneReading, OpenCounts, Readings, StreamCounts
from service.metrics.shapes import MODEL, counter, labels_of


class _Count(NamedTuple):
    name: str
    text: str
    of: Callable[[StreamCounts], float]


_COUNTS = (
    _Count("stepwire_opens", "Streams opened, new and resumed.", lambda counts: counts.opened),
    _Count(
        "stepwire_streams_closed", "Streams that their clients ended.", lambda counts: counts.closed
    ),
    _Count(
        "stepwire_streams_expired",
        "Streams that nobody advanced for too long.",
        lambda counts: counts.expired,
    ),
    _Count(
        "stepwire_streams_spilled",
        "Detached streams that left memory for the state store, to make room for others.",
        lambda counts: counts.spilled,
    ),
)


def stream_families(readings: Readings) -> Iterator[Metric]:
    yield from _present(readings)
    yield from _opens(readings.opens, readings.versions)


def _present(readings: Readings) -> Iterator[Metric]:
    streams = GaugeMetricFamily(
        "stepwire_streams",
        "Streams in memory, attached to a connection or detached.",
        labels=(*MODEL, "state"),
    )
    for lane in readings.versions:
        streams.add_metric((*labels_of(lane), "attached"), lane.slots - lane.detached)
        streams.add_metric((*labels_of(lane), "detached"), lane.detached)
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


def _opens(opens: OpenCounts, lanes: Sequence[LaneReading]) -> Iterator[Metric]:
    for name, text, of in _COUNTS:
        yield counter(name, text, [(labels_of(lane), of(lane.streams)) for lane in lanes])
    refused = CounterMetricFamily(
        "stepwire_opens_refused", "Streams that were not opened.", labels=("reason",)
    )
    for reason, count in opens.refused.items():
        refused.add_metric((reason,), count)
    yield refused
    lost = CounterMetricFamily(
        "stepwire_streams_lost",
        "Streams that go on at another server.",
        labels=(*MODEL, "reason"),
    )
    for lane in lanes:
        for reason, count in lane.streams.lost.items():
            lost.add_metric((*labels_of(lane), reason), count)
    yield lost
