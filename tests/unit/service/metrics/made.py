"""Readings of a made-up process, and metrics as a scraper reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from prometheus_client.metrics_core import Metric

from service.core.counts import (
    LaneReading,
    OpenCounts,
    Readings,
    StepCounts,
    StoreCounts,
    StoreReading,
)
from service.core.errors import StepFault
from service.core.streams import ModelKey

GRU = {"model": "gru", "version": "3"}


def readings(**changes: object) -> Readings:
    steps = StepCounts(
        ran=40,
        late=3,
        held=2,
        replays=5,
        faults=Counter({StepFault.STEP_GAP: 6}),
        batches=10,
        queued=0.25,
        computed=0.5,
    )
    made = {
        "attached": 7,
        "detached": 4,
        "opens": OpenCounts(20, Counter({"TOO_MANY_STREAMS": 9}), spilled=1),
        "lanes": (
            LaneReading(ModelKey("gru", 3), 11, steps),
            LaneReading(ModelKey("lstm", 1), 0, StepCounts()),
        ),
        "store": StoreReading(StoreCounts(12, 80, 2, 1), degraded_for=30.0, unsaved_for=30.5),
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
