"""Who is compared with whom."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compare.contestants import Contestant, contestants, nearest
from models.cores import Cell
from models.networks import Architecture, SequenceNetwork


@given(
    growth=st.lists(st.integers(1, 500), min_size=1, max_size=40),
    target=st.integers(0, 10_000),
)
@example(growth=[1, 2], target=2)  # both as near: the smaller
def test_no_other_size_is_nearer(growth: list[int], target: int) -> None:
    counts = list(accumulate(growth))

    def count(size: int) -> int:
        beyond = max(0, size - len(counts))
        return counts[min(size, len(counts)) - 1] + 500 * beyond

    found = nearest(count, target)
    sizes = range(1, len(counts) + 30)
    assert found == min(sizes, key=lambda size: (abs(count(size) - target), size))


def parameters(cell: Cell, hidden: int) -> int:
    return SequenceNetwork(Architecture(3, 2, cell, hidden, layers=2)).parameter_count


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru-reset-before", "none"])
def test_parameters_are_matched_as_nearly_as_whole_units_allow(cell: Cell) -> None:
    target = parameters("gru", 20)
    matched = contestants([cell], 20, parameters)[-1]
    assert "parameters" in matched.equal
    off = [abs(parameters(cell, matched.hidden + more) - target) for more in (-1, 0, 1)]
    assert off[1] == min(off)


def test_the_gru_is_both_and_trained_once() -> None:
    found = contestants(["rnn", "gru", "lstm"], 20, parameters)
    assert [(each.cell, each.equal) for each in found] == [
        ("rnn", ("hidden size",)),
        ("gru", ("hidden size", "parameters")),
        ("lstm", ("hidden size",)),
        ("rnn", ("parameters",)),
        ("lstm", ("parameters",)),
    ]
    assert {each.hidden for each in found[:3]} == {20}


def test_the_gru_is_the_measure_also_where_it_does_not_compete() -> None:
    assert contestants(["rnn"], 20, parameters)[1].hidden > 20


def test_a_name_says_cell_and_size() -> None:
    assert Contestant("lstm", 17, ("parameters",)).name == "lstm 17"
