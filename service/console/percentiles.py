"""Percentiles of what histograms have counted."""

from __future__ import annotations

from collections.abc import Sequence


def percentile(share: float, bounds: Sequence[float], buckets: Sequence[int]) -> float | None:
    """The value that this share of all values does not exceed: within its bucket, values are
    taken to lie evenly. `buckets` may have one more, of the values beyond all bounds, which
    count as the last. None without values.
    """
    wanted = share * sum(buckets)
    if not wanted:
        return None
    below, passed = 0.0, 0
    for bound, count in zip(bounds, buckets, strict=False):
        if count and passed + count >= wanted:
            return below + (bound - below) * (wanted - passed) / count
        below, passed = bound, passed + count
    return below
