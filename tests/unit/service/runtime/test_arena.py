from __future__ import annotations

import numpy as np
import pytest

from service.core.model import StateSpec, TensorSpec
from service.runtime.arena import Arena

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
