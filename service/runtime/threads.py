"""Threads: how many of them a run of a model is worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from service.core.model import Array
from service.runtime.stepper import Stepper

_ROWS = 32
_LEAST = 1e-3
"""Seconds of a run below which a second processor has better things to do."""
_WORTH = 0.8
"""Of the time that one thread takes, at most, for more of them to be worth it."""
_STEPS = 4


def faster(
    alone: Stepper,
    several: Callable[[], Stepper],
    inputs: Sequence[Array],
    max_batch: int = _ROWS,
) -> Stepper | None:
    """What `several` makes, where it is worth its threads and gives the same bits as `alone`.

    `inputs`: per input of the signature, [steps, *shape]. `max_batch`: rows of a run.
    """
    took = alone.cost.seconds(_ROWS)
    if took < _LEAST:
        return None
    other = several()
    if other.cost.seconds(_ROWS) > _WORTH * took:
        return None
    same = all(
        _bits(alone.apart(), inputs, rows) == _bits(other.apart(), inputs, rows)
        for rows in (1, min(_ROWS, max_batch))
    )
    return other if same else None


def _bits(stepper: Stepper, inputs: Sequence[Array], rows: int) -> list[bytes]:
    """The outputs and new states of some steps, each row with other inputs."""
    stepper.reserve(rows)
    slots = np.arange(rows)
    for row in range(rows):
        stepper.start(row)
    bits = []
    for step in range(_STEPS):
        tensors = [array[(step + slots) % len(array)].tobytes() for array in inputs]
        result = stepper.run(stepper.take(slots, tensors))
        stepper.keep(slots, result)
        bits += [array.tobytes() for array in (*result.outputs, *result.states)]
    return bits
