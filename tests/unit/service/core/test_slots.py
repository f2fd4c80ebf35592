from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.slots import Slot, Slots, as_index, as_numbers, index_of


def test_rows_are_lent_from_zero_and_returned_ones_again() -> None:
    slots = Slots()
    first, second = slots.acquire(), slots.acquire()
    assert (first.row, second.row) == (0, 1)
    slots.release(first)
    assert slots.acquire().row == 0
    assert slots.capacity == 2


def test_a_row_lent_again_has_another_generation() -> None:
    slots = Slots()
    former = slots.acquire()
    slots.release(former)
    present = slots.acquire()
    assert former.row == present.row
    assert not slots.holds(former)
    assert slots.holds(present)


def test_a_former_tenant_cannot_release() -> None:
    slots = Slots()
    former = slots.acquire()
    slots.release(former)
    slots.acquire()
    with pytest.raises(ValueError, match="not held"):
        slots.release(former)


@given(st.lists(st.integers(0, 20)))
def test_held_rows_are_counted_and_no_row_is_lent_twice(choices: list[int]) -> None:
    slots = Slots()
    held: list[Slot] = []
    for choice in choices:
        if choice < len(held):
            slots.release(held.pop(choice))
        else:
            held.append(slots.acquire())
        assert slots.held == len(held) == len({slot.row for slot in held})
        assert all(slots.holds(slot) for slot in held)


def test_the_lowest_free_row_is_lent() -> None:
    slots = Slots()
    lent = [slots.acquire() for _ in range(6)]
    for row in (4, 1, 2):
        slots.release(lent[row])
    assert [slots.acquire().row for _ in range(4)] == [1, 2, 4, 6]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=6, unique=True))
def test_a_few_rows_are_indexed_as_many_are(rows: list[int]) -> None:
    made, other = index_of(rows), as_index(np.array(rows, np.int64))
    assert isinstance(made, slice) == isinstance(other, slice)
    assert as_numbers(made).tolist() == as_numbers(other).tolist() == rows
