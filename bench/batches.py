"""What the arithmetic costs at the batch sizes that occurred.

A run's cost grows nearly linearly with its rows, so it is measured at a handful of the sizes that
occurred, from the smallest to the largest, and interpolated linearly between them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from service.core.model import Array

Histogram = Mapping[int, int]
"""Batch size → answers that came from a run of that size."""

_QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


def representative(histogram: Histogram) -> list[int]:
    """The smallest size, the quartiles of the answers, and the largest; at most five sizes."""
    sizes = np.repeat(*_columns(histogram))
    chosen = np.quantile(sizes, _QUANTILES, method="inverted_cdf")
    return sorted({int(size) for size in chosen})


def cost_per_step(histogram: Histogram, measured: Mapping[int, float]) -> float:
    """The mean over all answers, in the unit of `measured`: size → cost of one row of its runs."""
    sizes, answers = _columns(histogram)
    known = sorted(measured)
    runs = np.interp(sizes, known, [measured[size] * size for size in known])
    return float(np.average(runs / sizes, weights=answers))


def mean_size(histogram: Histogram) -> float:
    """Of the batch that an answer came from."""
    sizes, answers = _columns(histogram)
    return float(np.average(sizes, weights=answers))


def joined(histograms: list[Histogram]) -> Histogram:
    sizes = sorted({size for histogram in histograms for size in histogram})
    return {size: sum(histogram.get(size, 0) for histogram in histograms) for size in sizes}


def _columns(histogram: Histogram) -> tuple[Array, Array]:
    sizes = np.array(sorted(histogram))
    return sizes, np.array([histogram[int(size)] for size in sizes])
