"""What the metrics of model versions have in common."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily
from prometheus_client.utils import floatToGoString

from service.core.counts import LaneReading
from service.core.histogram import Histogram

MODEL = ("model", "version")
"""Names of labels."""


def labels_of(lane: LaneReading) -> tuple[str, str]:
    return lane.model.name, str(lane.model.version)


def counter(
    name: str, text: str, counts: Iterable[tuple[tuple[str, str], float]]
) -> CounterMetricFamily:
    """Of each model version."""
    family = CounterMetricFamily(name, text, labels=MODEL)
    for labels, count in counts:
        family.add_metric(labels, count)
    return family


def buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """Upper bounds as text, and how many values do not exceed each."""
    bounds = (*histogram.bounds, math.inf)
    return list(zip(map(floatToGoString, bounds), accumulate(histogram.counts), strict=True))
