"""Readings of a made-up process, and metrics as a scraper reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from prometheus_client.metrics_core import Metric

from service.core.counts import (
    LaneReading,
    OpenCounts,
    Readings,
    RowCounts,
    RowsReading,
    StepCounts,
    StoreCounts,
    StoreReading,
    StreamCounts,
)
from service.core.errors import StepFault
from service.core.histogram import Histogram
from service.core.streams import ModelKey

GRU = {"model": "gru", "version": "3"}
LSTM = {"model": "lstm", "version": "1"}


def histogram(*values: float) -> Histogram:
    made = Histogram()
    for value in values:
        made.add(value)
    return made


def readings(**changes: object) -> Readings:
    steps = StepCounts(
        ran=40,
        late=3,
        held=2,
        replays=5,
        faults=Counter({StepFault.STEP_GAP: 6}),
        sizes={1: 4, 6: 6},
        queue=histogram(4e-5, 0.25, 7.0),
        compute=histogram(*[0.05] * 10),
        write=histogram(2e-5),
        jitter=histogram(1e-3, 2e-3),
    )
    streams = StreamCounts(
        opened=20, closed=5, expired=3, spilled=1, lost=Counter({"STREAM_TAKEN_OVER": 2})
    )
    made = {
        "opens": OpenCounts(
            Counter({"TOO_MANY_STREAMS": 9}),
            calls=Counter(native=7, fleet=1, inference=0),
        ),
        "lanes": (
            LaneReading(
                ModelKey("gru", 3),
                11,
                steps,
                streams,
                detached=4,
                device=RowsReading(8, 6, RowCounts(entered=30, spilled=24)),
            ),
            LaneReading(ModelKey("lstm", 1), 0, StepCounts(), StreamCounts()),
        ),
        "store": StoreReading(
            StoreCounts(12, 80, 2, 1, histogram(0.002)),
            degraded_for=30.0,
            unsaved_for={ModelKey("gru", 3): 30.5, ModelKey("lstm", 1): 0.0},
        ),
        "limit": 100,
    }
    return Readings(**(made | changes))  # type: ignore[arg-type]  # names are checked when called


def value(families: Iterable[Metric], name: str, **labels: str) -> float:
    """Of the one sample with this name and these labels."""
    [found] = [
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == name and sample.labels == labels
    ]
    return found
