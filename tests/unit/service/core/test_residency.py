from __future__ import annotations

from itertools import count

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from service.core.model import Array
from service.core.residency import Decision, Residency
from service.core.slots import Index, as_index

SLOTS = 12


def numbers(*slots: int) -> Array:
    return np.array(slots, np.int64)


def residency(rows: int, capacity: int = SLOTS) -> Residency:
    made = Residency(rows, max_batch=rows)
    made.reserve(capacity)
    return made


def carry_out(made: Residency, slots: Index) -> Decision:
    decision = made.decide(slots)
    made.leave(decision)
    made.enter(decision)
    return decision


@pytest.mark.parametrize(("rows", "max_batch"), [(3, 4), (0, 1), (0, 0), (4, 0)])
def test_rows_that_do_not_hold_a_batch_are_refused(rows: int, max_batch: int) -> None:
    with pytest.raises(ValueError, match=f"a batch of {max_batch} .* there are {rows}"):
        Residency(rows, max_batch)


def test_a_batch_over_the_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="a batch of 3 streams is larger than 2"):
        residency(2).decide(numbers(0, 1, 2))


def test_slots_come_in_once_and_stay() -> None:
    made = residency(4)
    first = carry_out(made, slice(2, 5))
    assert first.rows.tolist() == first.taken.tolist() == [0, 1, 2]
    assert first.entering.tolist() == [2, 3, 4]
    assert not len(first.leaving)
    again = carry_out(made, numbers(4, 2))
    assert again.rows.tolist() == [2, 0]
    assert not len(again.entering)


def test_the_slot_that_has_not_stepped_for_longest_goes_out() -> None:
    made = residency(3)
    for slot in (0, 1, 2, 0):
        carry_out(made, numbers(slot))
    decision = carry_out(made, numbers(7))
    assert decision.leaving.tolist() == [1]
    assert decision.left.tolist() == decision.taken.tolist() == decision.rows.tolist() == [1]
    assert made.rows_of(numbers(0, 1, 2, 7)).tolist() == [0, -1, 2, 1]


def test_a_slot_of_the_batch_keeps_its_row_however_old_it_is() -> None:
    made = residency(3)
    for slot in (0, 1, 2):
        carry_out(made, numbers(slot))
    decision = carry_out(made, numbers(8, 0, 7))
    assert decision.leaving.tolist() == [1, 2]
    assert decision.rows.tolist() == [1, 0, 2]


def test_a_freed_row_is_taken_before_any_slot_goes_out() -> None:
    made = residency(3)
    carry_out(made, slice(0, 3))
    made.free(1)
    made.free(1)
    assert made.used == 2
    decision = carry_out(made, numbers(5))
    assert decision.taken.tolist() == [1]
    assert not len(decision.leaving)
    assert made.used == 3


def test_the_oldest_go_out_first_however_many_rows_there_are() -> None:
    rows, batch = 700, 40
    made = residency(rows, capacity=1000)
    stepped: dict[int, int] = {}  # by slot, the number of its last batch
    random = np.random.default_rng(0)
    for number in range(200):
        slots = random.choice(1000, batch, replace=False)
        missing = [slot for slot in slots.tolist() if slot not in stepped]
        for slot in stepped.keys() & set(slots.tolist()):
            stepped[slot] = number
        oldest = sorted(stepped, key=lambda slot: stepped[slot])
        due = max(0, len(missing) + len(stepped) - rows)
        leaving = carry_out(made, slots).leaving.tolist()
        assert len(leaving) == due
        assert [stepped[slot] for slot in sorted(leaving, key=oldest.index)] == [
            stepped[slot] for slot in oldest[:due]
        ]
        for slot in leaving:
            del stepped[slot]
        stepped |= dict.fromkeys(missing, number)
    assert len(stepped) == made.used == rows


def test_what_is_not_carried_out_changes_no_row() -> None:
    made = residency(2)
    carry_out(made, slice(0, 2))
    made.decide(slice(2, 4))
    assert made.rows_of(slice(0, 4)).tolist() == [0, 1, -1, -1]


def test_what_comes_in_and_goes_out_is_counted() -> None:
    made = residency(3)
    for slots in (slice(0, 2), slice(1, 4), slice(0, 1)):
        carry_out(made, slots)
    made.free(0)
    reading = made.reading()
    assert (reading.rows, reading.used) == (3, 2)
    assert (reading.counts.entered, reading.counts.spilled) == (5, 2)


def test_more_room_leaves_every_row_as_it_is() -> None:
    made = residency(2, capacity=2)
    carry_out(made, slice(0, 2))
    made.reserve(6)
    made.reserve(4)
    assert made.capacity == 6
    assert made.rows_of(slice(0, 6)).tolist() == [0, 1, -1, -1, -1, -1]


class ResidencyMachine(RuleBasedStateMachine):
    """Against dicts of what lies where; every state is a number that no other state has."""

    @initialize(rows=st.integers(1, 6))
    def begin(self, rows: int) -> None:
        self.rows = rows
        self.residency = residency(rows)
        self.fresh = count()
        self.truth: dict[int, int] = {slot: next(self.fresh) for slot in range(SLOTS)}
        self.host = dict(self.truth)
        self.device: dict[int, int] = {}
        self.stepped: dict[int, int] = {}
        """By resident slot, the number of its last batch."""
        self.batch = 0

    @rule(slot=st.integers(0, SLOTS - 1))
    def start(self, slot: int) -> None:
        self.residency.free(slot)
        self.stepped.pop(slot, None)
        self.truth[slot] = self.host[slot] = next(self.fresh)

    @rule(
        chosen=st.lists(st.integers(0, SLOTS - 1), min_size=1, max_size=6, unique=True),
        done=st.sampled_from(["all"] * 4 + ["left", "none"]),
    )
    def step(self, chosen: list[int], done: str) -> None:
        slots = chosen[: self.rows]
        self.batch += 1
        decision = self.residency.decide(as_index(numbers(*slots)))
        for slot in self.stepped.keys() & slots:
            self.stepped[slot] = self.batch
        self._check(decision, slots)
        if done == "none":
            return
        for slot, row in zip(decision.leaving.tolist(), decision.left.tolist(), strict=True):
            self.host[slot] = self.device.pop(row)
            del self.stepped[slot]
        self.residency.leave(decision)
        if done == "left":
            return
        for slot, row in zip(decision.entering.tolist(), decision.taken.tolist(), strict=True):
            self.device[row] = self.host.pop(slot)
            self.stepped[slot] = self.batch
        self.residency.enter(decision)
        for slot, row in zip(slots, decision.rows.tolist(), strict=True):
            assert self.device[row] == self.truth[slot]
            self.device[row] = self.truth[slot] = next(self.fresh)

    def _check(self, decision: Decision, slots: list[int]) -> None:
        missing = [slot for slot in slots if slot not in self.stepped]
        leaving = decision.leaving.tolist()
        assert decision.entering.tolist() == missing
        assert len(set(decision.rows.tolist())) == len(slots)
        assert len(leaving) == max(0, len(missing) + len(self.stepped) - self.rows)
        others = self.stepped.keys() - set(slots)
        assert set(leaving) <= others
        assert set(decision.left.tolist()) <= set(decision.taken.tolist())
        stay = [self.stepped[slot] for slot in others - set(leaving)]
        assert max((self.stepped[slot] for slot in leaving), default=0) <= min(
            stay, default=self.batch
        )

    @invariant()
    def no_row_is_held_twice_and_no_state_is_lost(self) -> None:
        rows = self.residency.rows_of(slice(0, SLOTS)).tolist()
        held = {slot: row for slot, row in enumerate(rows) if row >= 0}
        assert held.keys() == self.stepped.keys()
        assert len(set(held.values())) == len(held) == self.residency.used
        for slot, state in self.truth.items():
            found = self.device[held[slot]] if slot in held else self.host[slot]
            assert found == state


ResidencyMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestResidency = ResidencyMachine.TestCase
