"""The arithmetic's cost is that of the batches that occurred, weighted by their answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.batches import cost_per_step, joined, mean_size, representative

HISTOGRAMS = st.dictionaries(st.integers(1, 256), st.integers(1, 1000), min_size=1)


def test_each_answer_costs_its_share_of_its_run() -> None:
    occurred = {1: 30, 10: 70}
    assert cost_per_step(occurred, {1: 12.0, 10: 2.0}) == pytest.approx(0.3 * 12 + 0.7 * 2)


def test_a_size_between_two_measured_ones_costs_a_run_between_theirs() -> None:
    # Runs of 10 and of 30 rows cost 20 and 30: one of 20 costs 25.
    assert cost_per_step({20: 5}, {10: 2.0, 30: 1.0}) == pytest.approx(25 / 20)


@given(HISTOGRAMS)
def test_a_cost_that_is_linear_in_rows_is_found_from_the_representative_sizes(
    occurred: dict[int, int],
) -> None:
    def per_row(size: int) -> float:
        return 10.0 / size + 2.0

    measured = {size: per_row(size) for size in representative(occurred)}
    total = sum(occurred.values())
    true = sum(per_row(size) * answers for size, answers in occurred.items()) / total
    assert cost_per_step(occurred, measured) == pytest.approx(true)


@given(HISTOGRAMS)
def test_at_most_five_sizes_are_measured_all_of_which_occurred(occurred: dict[int, int]) -> None:
    chosen = representative(occurred)
    assert len(chosen) <= 5 and set(chosen) <= set(occurred)
    assert chosen[0] == min(occurred) and chosen[-1] == max(occurred)


def test_rounds_are_joined_by_size() -> None:
    assert joined([{1: 2, 8: 1}, {8: 3}]) == {1: 2, 8: 4}
    assert mean_size({1: 1, 3: 3}) == 2.5
