"""The trial run: what can be asked of a model that comes without a golden run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from service.core.errors import ModelRefused
from service.core.model import Array, Signature, TensorSpec
from service.runtime.stepper import Stepper, WrongShape

TRIAL_STEPS = 32


def random_inputs(signature: Signature, steps: int = TRIAL_STEPS) -> tuple[Array, ...]:
    """Seeded inputs of one stream, each [steps, *shape].

    Standard normal numbers; any of the symbols; 0 and 1 where whole numbers have none.
    """
    random = np.random.default_rng(0)
    return tuple(_random(spec, steps, random) for spec in signature.inputs)


def rehearse(stepper: Stepper, inputs: Sequence[Array]) -> None:
    """Runs the inputs twice.

    Raises ModelRefused unless results are finite, the same, and of the shapes that the graph
    declares.
    """
    for name, first, second in zip(
        [spec.name for spec in stepper.signature.outputs],
        _run(stepper, inputs),
        _run(stepper, inputs),
        strict=True,
    ):
        if first.tobytes() != second.tobytes():
            raise ModelRefused(
                f"output {name!r} differs from run to run with the same inputs: the graph draws "
                "random numbers, or keeps a state of its own"
            )


def _random(spec: TensorSpec, steps: int, random: np.random.Generator) -> Array:
    shape = (steps, *spec.shape)
    if spec.dtype.kind == "f":
        return random.standard_normal(shape).astype(spec.dtype)
    return random.integers(0, len(spec.symbols) or 2, shape).astype(spec.dtype)


def _run(stepper: Stepper, inputs: Sequence[Array]) -> list[Array]:
    """The outputs of one stream from its initial state, each [steps, *shape]."""
    stepper.reserve(1)
    stepper.start(0)
    slots, steps = np.zeros(1, np.int64), []
    for step in range(len(inputs[0])):
        try:
            result = stepper.step(slots, [array[step].tobytes() for array in inputs])
        except WrongShape as error:
            raise ModelRefused(str(error)) from error
        for fault in result.faults.values():
            raise ModelRefused(
                f"with random inputs, at step {step}, {fault.message}: give it inputs that it is "
                "made for, in a golden run in model.toml"
            )
        steps.append(result.outputs)
    return [np.concatenate(arrays) for arrays in zip(*steps, strict=True)]
