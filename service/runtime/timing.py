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


def run_cost(stepper: Stepper, inputs: Sequence[Array], threads: int = 1) -> RunCost:
    """Of one stream and of several; `inputs` per input of the signature, [steps, *shape].

    `threads`: that a run may have. The stepper's states are changed.
    """
    stepper.reserve(_ROWS)
    mine, all_ = time.thread_time(), time.process_time()
    lone = _seconds(stepper, inputs, 1, _LONE_STEPS)
    together = _seconds(stepper, inputs, _ROWS, _STEPS_TOGETHER)
    mine, all_ = time.thread_time() - mine, time.process_time() - all_
    # What serves meanwhile counts too, hence the limit.
    processors = max(1.0, min(float(threads), all_ / mine if mine else 1.0))
    return RunCost(lone, max(0.0, together - lone) / (_ROWS - 1), processors)


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
