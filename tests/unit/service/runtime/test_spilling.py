from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from service.core.errors import ModelRefused
from service.core.model import Array, StateSpec, TensorSpec
from service.core.slots import Index, as_index, count
from service.runtime.arena import Arena
from service.runtime.device import CPU, Cuda, Device, DeviceArray
from service.runtime.spilling import SpillingArena, arena_within, rows_within
from tests import cupy_like
from tests.devices import Distant

FLOAT, INT = np.dtype("<f4"), np.dtype("<i8")
STATES = (
    StateSpec(TensorSpec("h", FLOAT, (2, 3), batch_axis=1), "h_next", np.full((2, 3), 7, FLOAT)),
    StateSpec(TensorSpec("n", INT, ()), "n_next", np.array(-1, INT)),
)
ROW = 2 * 3 * 4 + 8
SLOTS = 9


def numbers(*slots: int) -> Array:
    return np.array(slots, np.int64)


def spilling(rows: int, device: Device | None = None, max_batch: int = 3) -> SpillingArena:
    made = SpillingArena(STATES, device or Distant(), rows=rows, max_batch=max_batch)
    made.reserve(SLOTS)
    for slot in range(SLOTS):
        made.start(slot)
    return made


def made_states(rows: int, seed: int) -> list[Array]:
    random = np.random.default_rng(seed)
    return [
        random.integers(-1000, 1000, state.input.batched(rows)).astype(state.input.dtype)
        for state in STATES
    ]


def stepped(arena: SpillingArena, slots: Index, seed: int = 0) -> None:
    arena.gather(slots)
    arena.scatter(slots, made_states(count(slots), seed))


def test_what_is_on_the_device_stays_there_without_crossing_the_bus() -> None:
    device = Distant()
    arena = spilling(4, device)
    stepped(arena, slice(0, 3))
    device.crossings.clear()
    for seed in range(5):
        stepped(arena, slice(0, 3), seed)
        stepped(arena, slice(1, 2), seed)
    assert not device.crossings


def test_however_many_come_in_each_state_crosses_once() -> None:
    device = Distant()
    arena = spilling(4, device)
    device.crossings.clear()
    stepped(arena, slice(0, 3))
    assert device.crossings == {"upload": 2}


def test_however_many_go_out_each_state_crosses_once() -> None:
    device = Distant()
    arena = spilling(4, device)
    stepped(arena, slice(0, 3))
    device.crossings.clear()
    stepped(arena, slice(3, 6))
    assert (device.crossings["upload"], device.crossings["download"]) == (2, 2)


def test_what_comes_in_waits_until_what_came_before_has_left_the_host() -> None:
    device = Distant()
    arena = spilling(6, device)
    for slot in range(6):
        arena.restore(slot, [state.tobytes() for state in made_states(1, slot)])
    arena.gather(slice(0, 3))
    arena.gather(slice(3, 6))
    device.synchronize()
    arena.gather(slice(6, 9))
    device.synchronize()


def test_moves_are_counted() -> None:
    arena = spilling(4)
    stepped(arena, slice(0, 3))
    stepped(arena, slice(3, 6))
    arena.free(5)
    reading = arena.reading()
    assert (reading.rows, reading.used) == (4, 3)
    assert (reading.counts.entered, reading.counts.spilled) == (6, 2)


def test_a_state_that_does_not_fit_changes_nothing() -> None:
    arena = spilling(4)
    stepped(arena, slice(0, 3))
    before = arena.save(numbers(1))
    with pytest.raises(ValueError, match=r"cannot reshape|buffer size"):
        arena.restore(1, [b"\0" * 24, b"\0" * 16])
    assert arena.save(numbers(1)) == before
    assert arena.reading().used == 3


@pytest.mark.parametrize("broken", ["upload", "download"])
def test_a_move_that_fails_loses_no_state(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    device = Distant()
    arena = spilling(4, device)
    stepped(arena, slice(0, 3), seed=1)
    stepped(arena, slice(3, 4), seed=2)
    before = arena.save(np.arange(SLOTS))

    def fail(*_: object) -> None:
        raise RuntimeError("the bus is down")

    with monkeypatch.context() as patch:
        patch.setattr(device, broken, fail)
        with pytest.raises(RuntimeError, match="the bus is down"):
            arena.gather(numbers(4, 0, 5))
    assert arena.save(np.arange(SLOTS)) == before
    stepped(arena, slice(6, 9))
    assert arena.save(np.arange(6)) == before[:6]


def test_by_the_code_of_cuda_states_move_as_they_do_on_the_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cupy_like.install(monkeypatch)
    device = Cuda()
    few, plain = spilling(4, device), Arena(STATES)
    plain.reserve(SLOTS)
    for slot in range(SLOTS):
        plain.start(slot)
    random = np.random.default_rng(0)
    for seed in range(40):
        slots = as_index(random.choice(SLOTS, random.integers(1, 4), replace=False))
        for mine, theirs in zip(few.gather(slots), plain.gather(slots), strict=True):
            assert np.array_equal(device.fetch(mine), theirs)
        states = made_states(count(slots), seed)
        few.scatter(slots, [device.put(state) for state in states])
        plain.scatter(slots, states)
        assert few.save(np.arange(SLOTS)) == plain.save(np.arange(SLOTS))
    assert few.reading().counts.spilled > 20


@pytest.mark.parametrize("rows", [1, 2])
def test_a_device_without_room_for_a_batch_is_refused(rows: int) -> None:
    with pytest.raises(ValueError, match=f"a batch of 3 .* there are {rows}"):
        spilling(rows)


@pytest.mark.parametrize(("budget", "rows"), [(0, 0), (ROW - 1, 0), (ROW, 1), (5 * ROW + 1, 5)])
def test_as_many_rows_fit_as_their_bytes(budget: int, rows: int) -> None:
    assert rows_within(budget, STATES) == rows


@pytest.mark.parametrize("budget", [None, 30 * ROW])
def test_where_all_streams_fit_the_arena_is_the_plain_one(budget: int | None) -> None:
    assert type(arena_within(budget, STATES, CPU, streams=10, max_batch=4)) is Arena


def test_a_model_without_states_needs_no_memory_for_them() -> None:
    assert type(arena_within(0, (), CPU, streams=10, max_batch=4)) is Arena


class Measured(Distant):
    def __init__(self) -> None:
        super().__init__()
        self.given = 0

    def zeros(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> DeviceArray:
        made = super().zeros(shape, dtype)
        self.given += made.nbytes
        return made

    def put(self, host: Array) -> DeviceArray:
        self.given += host.nbytes
        return super().put(host)


@pytest.mark.parametrize(
    ("rows", "streams", "expected"), [(9, 1000, 4), (50, 1000, 45), (1000, 400, 400), (10, 4, 4)]
)
def test_rows_fill_the_memory_that_is_given_or_hold_all_streams(
    rows: int, streams: int, expected: int
) -> None:
    device = Measured()
    arena = arena_within(rows * ROW, STATES, device, streams=streams, max_batch=4)
    assert isinstance(arena, SpillingArena)
    assert arena.reading().rows == expected
    assert device.given == (expected + 5) * ROW <= rows * ROW


def test_memory_that_does_not_hold_a_batch_is_refused_with_figures() -> None:
    refusal = (
        r"^a stream has 32 bytes of state, so that a batch of 40 needs 2,592 bytes of cpu, "
        r"which has 2,591 for states: give it more memory, or make batches smaller$"
    )
    with pytest.raises(ModelRefused, match=refusal):
        arena_within(81 * ROW - 1, STATES, CPU, streams=1000, max_batch=40)
    assert arena_within(81 * ROW, STATES, CPU, streams=1000, max_batch=40)


class SpillingMachine(RuleBasedStateMachine):
    """The same orders to an arena with room for all and to one with few rows."""

    slots = st.integers(0, SLOTS - 1)
    batches = st.lists(slots, min_size=1, max_size=5, unique=True)
    seeds = st.integers(0, 2**32)

    @initialize(max_batch=st.integers(1, 5), more=st.integers(0, 3))
    def begin(self, max_batch: int, more: int) -> None:
        self.max_batch = max_batch
        self.few = spilling(max_batch + more, max_batch=max_batch)
        self.plain = Arena(STATES)
        self.plain.reserve(SLOTS)
        for slot in range(SLOTS):
            self.plain.start(slot)

    @rule(slot=slots)
    def start(self, slot: int) -> None:
        for arena in (self.few, self.plain):
            arena.start(slot)

    @rule(slot=slots, seed=seeds)
    def restore(self, slot: int, seed: int) -> None:
        data = [state.tobytes() for state in made_states(1, seed)]
        for arena in (self.few, self.plain):
            arena.restore(slot, data)

    @rule(chosen=batches, seed=seeds, padding=st.integers(0, 2), whole=st.booleans())
    def step(self, chosen: list[int], seed: int, padding: int, whole: bool) -> None:
        slots = as_index(numbers(*chosen[: self.max_batch]))
        rows = count(slots) + padding
        for few, plain in zip(
            self.few.gather(slots, self._room(rows)),
            self.plain.gather(slots, self._room(rows)),
            strict=True,
        ):
            assert np.array_equal(few, plain)
        for few, plain in zip(self.few.gather(slots), self.plain.gather(slots), strict=True):
            assert np.array_equal(few, plain)
        # Rows at fault keep their states.
        kept = slots if whole else numbers(*chosen[: self.max_batch])[1:]
        states = made_states(count(kept), seed)
        for arena in (self.few, self.plain):
            arena.scatter(kept, states)

    @rule(former=slots, chosen=batches, seed=seeds)
    def a_slot_is_lent_again_during_the_step(
        self, former: int, chosen: list[int], seed: int
    ) -> None:
        slots = numbers(*chosen[: self.max_batch])
        for arena in (self.few, self.plain):
            arena.gather(slots)
            arena.start(former)
            kept = slots[slots != former]
            arena.scatter(kept, made_states(len(kept), seed))

    @invariant()
    def every_state_is_the_same(self) -> None:
        everyone = np.arange(SLOTS)
        assert self.few.save(everyone) == self.plain.save(everyone)

    @staticmethod
    def _room(rows: int) -> list[Array]:
        return [np.zeros(state.input.batched(rows), state.input.dtype) for state in STATES]


SpillingMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=20)
TestSpilling = SpillingMachine.TestCase
