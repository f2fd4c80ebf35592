"""How long a step takes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median

import numpy as np

from service.core.model import Array
from service.runtime.stepper import Stepper

_STEPS = 32


def lone_seconds(stepper: Stepper, inputs: Sequence[Array]) -> float:
    """Median over some steps of one stream; `inputs` per input of the signature, [steps, *shape].

    The stepper's states are changed.
    """
    stepper.reserve(1)
    stepper.start(0)
    slot, times = np.zeros(1, np.int64), []
    for step in range(_STEPS):
        row = [array[step % len(array)].tobytes() for array in inputs]
        started = time.perf_counter()
        stepper.step(slot, row)
        times.append(time.perf_counter() - started)
    return median(times)
