"""Episodes of the adding problem."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.tasks.adding.data import MARK, VALUE, episodes


@given(st.integers(1, 20), st.integers(2, 60), st.integers(0, 2**32))
def test_a_value_of_each_half_is_marked_and_their_sum_is_due(
    rows: int, steps: int, seed: int
) -> None:
    inputs, sums = episodes(rows, steps, np.random.default_rng(seed))
    assert inputs.shape == (rows, steps, 2)
    assert inputs.dtype == sums.dtype == np.float32
    values, marks = inputs[..., VALUE], inputs[..., MARK]
    assert ((values >= 0) & (values < 1)).all()
    assert ((marks == 0) | (marks == 1)).all()
    assert (marks[:, : steps // 2].sum(axis=1) == 1).all()
    assert (marks[:, steps // 2 :].sum(axis=1) == 1).all()
    marked = values[marks == 1].reshape(rows, 2)
    np.testing.assert_array_equal(sums, marked[:, 0] + marked[:, 1])


def test_marks_fall_everywhere() -> None:
    inputs, _ = episodes(2000, 11, np.random.default_rng(0))
    assert (inputs[..., MARK].sum(axis=0) > 200).all()
