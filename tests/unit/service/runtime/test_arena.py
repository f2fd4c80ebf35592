from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from service.core.model import StateSpec, TensorSpec
from service.core.slots import Index, as_numbers
from service.runtime.arena import Arena
from service.runtime.device import Device, DeviceArray
from tests.devices import Distant

FLOAT = np.dtype("<f4")


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_states_come_back_from_their_slots_whatever_the_batch_axis(axis: int) -> None:
    spec = TensorSpec("h", FLOAT, (2, 3), batch_axis=axis)
    arena = Arena([StateSpec(spec, "h_next", np.full((2, 3), 7, FLOAT))])
    arena.reserve(5)
    for slot in range(5):
        arena.start(slot)
    random = np.random.default_rng(0)
    states = random.normal(size=spec.batched(2)).astype(FLOAT)
    arena.scatter(np.array([3, 1]), [states])
    [swapped] = arena.gather(np.array([1, 3]))
    assert swapped.shape == spec.batched(2)
    assert np.array_equal(swapped, np.flip(states, axis))
    [others] = arena.gather(np.array([0, 2, 4]))
    assert (others == 7).all()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_lone_slot_is_as_any_other(axis: int) -> None:
    spec = TensorSpec("h", FLOAT, (2, 3), batch_axis=axis)
    arena = Arena([StateSpec(spec, "h_next", np.full((2, 3), 7, FLOAT))])
    arena.reserve(3)
    for slot in range(3):
        arena.start(slot)
    new = np.arange(6, dtype=FLOAT).reshape(spec.batched(1))
    arena.scatter(np.array([1]), [new])
    [lone] = arena.gather(np.array([1]))
    assert np.array_equal(lone, new)
    [together] = arena.gather(np.array([0, 1, 2]))
    assert np.array_equal(together.take([1], axis), new)
    assert (together.take([0, 2], axis) == 7).all()


def test_a_model_without_states_has_an_empty_arena() -> None:
    arena = Arena([])
    arena.reserve(4)
    arena.start(3)
    assert arena.gather(np.array([0, 3])) == []
    arena.scatter(np.array([0, 3]), [])


def three(axis: int, device: Device) -> Arena:
    """An arena of a state and a counter, whose slots 0 to 5 hold what their numbers say."""
    spec = TensorSpec("h", FLOAT, (2, 3), batch_axis=axis)
    steps = TensorSpec("steps", np.dtype("<i8"), ())
    arena = Arena(
        [
            StateSpec(spec, "h_next", np.zeros((2, 3), FLOAT)),
            StateSpec(steps, "steps_next", np.zeros((), np.int64)),
        ],
        device,
    )
    arena.reserve(6)
    everyone = np.arange(6)
    held = np.arange(36, dtype=FLOAT).reshape(6, 2, 3)
    arena.scatter(slice(0, 6), [device.put(spec.in_place(held)), device.put(everyone * 10)])
    return arena


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("slots", [slice(1, 3), np.array([1, 2]), np.array([4, 0])])
@pytest.mark.parametrize("room", [2, 3, 5])
def test_room_that_is_left_is_filled_with_the_first_slot(
    axis: int, slots: Index, room: int
) -> None:
    device = Distant()
    arena = three(axis, device)
    spec = TensorSpec("h", FLOAT, (2, 3), batch_axis=axis)
    out = [np.full(spec.batched(room), 99, FLOAT), np.full(room, 99)]
    arena.gather(slots, out)
    numbers = as_numbers(slots)
    expected = [*numbers.tolist(), *([numbers.item(0)] * (room - 2))]
    assert out[1].tolist() == [10 * number for number in expected]
    held = np.arange(36, dtype=FLOAT).reshape(6, 2, 3)
    assert np.array_equal(spec.rows_first(out[0]), held[expected])


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_saved_states_are_restored_whatever_the_batch_axis(axis: int) -> None:
    arena = three(axis, Distant())
    first, second = arena.save(np.array([4, 2]))
    assert first[0] == np.arange(24, 30, dtype=FLOAT).tobytes()
    assert second[1] == np.int64(20).tobytes()
    arena.restore(0, first)
    assert arena.save(np.array([0, 1])) == [first, *arena.save(np.array([1]))]


def test_a_state_that_does_not_fit_changes_nothing() -> None:
    arena = three(0, Distant())
    before = arena.save(np.arange(6))
    with pytest.raises(ValueError, match="reshape"):
        arena.restore(0, (bytes(24), bytes(16)))
    assert arena.save(np.arange(6)) == before


class Full(Distant):
    """Has no memory for more than six numbers of whole ones."""

    def zeros(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> DeviceArray:
        if dtype.kind == "i" and shape[0] > 6:
            raise MemoryError
        return super().zeros(shape, dtype)


def test_an_arena_that_cannot_grow_keeps_its_states() -> None:
    arena = three(0, Full())
    before = arena.save(np.arange(6))
    with pytest.raises(MemoryError):
        arena.reserve(12)
    assert arena.save(np.arange(6)) == before
