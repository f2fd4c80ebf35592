"""How long a step takes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median

from service.core.model import Array
from service.core.run_cost import RunCost
from service.runtime.stepper import Stepper

_LONE_STEPS, _STEPS_TOGETHER = 32, 8
_ROWS = 32


def run_cost(stepper: Stepper, inputs: Sequence[Array]) -> RunCost:
    """Of one stream and of several; `inputs` per input of the signature, [steps, *shape].

    The stepper's states are changed.
    """
    stepper.reserve(_ROWS)
    lone = _seconds(stepper, inputs, 1, _LONE_STEPS)
    together = _seconds(stepper, inputs, _ROWS, _STEPS_TOGETHER)
    return RunCost(lone, max(0.0, together - lone) / (_ROWS - 1))


def _seconds(stepper: Stepper, inputs: Sequence[Array], rows: int, steps: int) -> float:
    """Median over some steps of so many streams with the same inputs."""
    for row in range(rows):
        stepper.start(row)
    slots, times = slice(0, rows), []
    for step in range(steps):
        tensors = [array[step % len(array)].tobytes() * rows for array in inputs]
        started = time.perf_counter()
        stepper.step(slots, tensors)
        times.append(time.perf_counter() - started)
    return median(times)
