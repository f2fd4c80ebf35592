"""The golden run: a model serves only if it gives the outputs that its trainer saw."""

from __future__ import annotations

import numpy as np

from service.core.errors import ModelRefused
from service.core.model import GoldenRun
from service.runtime.stepper import Stepper, WrongShape

ELSEWHERE = 10.0
"""How many times its tolerance a golden run may be off on another device than the CPU, where it is
made: kernels that sum in another order differ by that as their errors add up over the steps.
"""


def replay(stepper: Stepper, golden: GoldenRun, allowance: float = 1.0) -> float:
    """Steps through the run in slot 0 and returns the largest difference.

    Raises ModelRefused if an output is off by more than its tolerance times `allowance`.
    """
    stepper.reserve(1)
    stepper.start(0)
    slots = np.zeros(1, np.int64)
    largest = 0.0
    for step in range(golden.steps):
        try:
            result = stepper.step(slots, [array[step].tobytes() for array in golden.inputs])
        except WrongShape as error:
            raise ModelRefused(f"in its golden run, {error}") from error
        for fault in result.faults.values():
            raise ModelRefused(f"its golden run fails at step {step}: {fault.message}")
        for spec, array, expected, atol in zip(
            stepper.signature.outputs, result.outputs, golden.outputs, golden.atol, strict=True
        ):
            difference = float(np.abs(array[0].astype(np.float64) - expected[step]).max())
            if not difference <= atol * allowance:
                raise ModelRefused(
                    f"its golden run is off by {difference:.3g} in {spec.name!r} at step {step}, "
                    f"{atol * allowance:g} is allowed: the export is wrong, or the file damaged"
                )
            largest = max(largest, difference)
    return largest
