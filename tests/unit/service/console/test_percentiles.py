from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.console.percentiles import percentile
from service.core.histogram import SECONDS, Histogram

BOUNDS = (1.0, 2.0, 4.0)


def test_values_lie_evenly_within_their_bucket() -> None:
    assert percentile(0.5, BOUNDS, (0, 10, 0, 0)) == 1.5
    assert percentile(0.75, BOUNDS, (2, 0, 2, 0)) == 3.0


def test_nothing_has_no_percentile() -> None:
    assert percentile(0.5, BOUNDS, (0, 0, 0, 0)) is None
    assert percentile(0.5, BOUNDS, ()) is None


def test_values_beyond_all_bounds_count_as_the_last_one() -> None:
    assert percentile(0.99, BOUNDS, (1, 0, 0, 99)) == 4.0


@given(
    st.lists(st.floats(1e-6, 4.9), min_size=1, max_size=200),
    st.sampled_from([0.5, 0.9, 0.99]),
)
def test_a_percentile_is_in_the_bucket_of_the_exact_one(values: list[float], share: float) -> None:
    histogram = Histogram()
    histogram.add_each(np.array(values))
    found = percentile(share, SECONDS, histogram.counts)
    exact = sorted(values)[int(np.ceil(share * len(values))) - 1]
    place = int(np.searchsorted(SECONDS, exact))
    assert found is not None
    assert (0.0, *SECONDS)[place] <= found <= SECONDS[place] * (1 + 1e-9)


def test_shares_ascend() -> None:
    buckets = (5, 3, 2, 0)
    found = [percentile(share, BOUNDS, buckets) for share in (0.1, 0.5, 0.9, 1.0)]
    assert found == pytest.approx([0.2, 1.0, 3.0, 4.0])
