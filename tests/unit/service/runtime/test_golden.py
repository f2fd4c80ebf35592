from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from service.core.errors import ModelRefused
from service.core.model import Array
from service.runtime.accumulator import accumulate, accumulator_signature
from service.runtime.golden import ELSEWHERE, replay
from service.runtime.stepper import Stepper
from tests.fakes import accumulator_golden

SIGNATURE = accumulator_signature()
GOLDEN = accumulator_golden(SIGNATURE)


def stepper() -> Stepper:
    return Stepper(accumulate, SIGNATURE)


def test_a_faithful_model_replays_its_run() -> None:
    assert replay(stepper(), GOLDEN) == 0.0


def test_the_largest_difference_is_told() -> None:
    near = replace(GOLDEN, outputs=(GOLDEN.outputs[0] + np.float32(1e-3),), atol=(1e-2,))
    assert replay(stepper(), near) == pytest.approx(1e-3, rel=0.1)


def test_a_model_that_is_off_is_refused_with_step_and_size() -> None:
    off = GOLDEN.outputs[0].copy()
    off[20] += 0.1
    with pytest.raises(ModelRefused, match="off by 0.1 in 'total' at step 20, 1e-05 is allowed"):
        replay(stepper(), replace(GOLDEN, outputs=(off,)))


def test_an_output_has_a_tolerance_of_its_own() -> None:
    def twice(feeds: Mapping[str, Array]) -> Sequence[Array]:
        total, state = accumulate(feeds)
        return [total, total, state]

    [total] = SIGNATURE.outputs
    signature = replace(SIGNATURE, outputs=(total, replace(total, name="again")))
    near = GOLDEN.outputs[0] + np.float32(1e-3)
    golden = replace(GOLDEN, outputs=(near, near), atol=(1e-2, 1e-2))
    assert replay(Stepper(twice, signature), golden) == pytest.approx(1e-3, rel=0.1)
    with pytest.raises(ModelRefused, match="in 'again' at step 0, 1e-05 is allowed"):
        replay(Stepper(twice, signature), replace(golden, atol=(1e-2, 1e-5)))


def test_a_golden_output_that_is_not_a_number_is_refused() -> None:
    outputs = np.full_like(GOLDEN.outputs[0], np.nan)
    with pytest.raises(ModelRefused, match="off by nan"):
        replay(stepper(), replace(GOLDEN, outputs=(outputs,)))


def test_an_output_of_another_shape_than_declared_is_refused() -> None:
    def doubled(feeds: Mapping[str, Array]) -> Sequence[Array]:
        total, state = accumulate(feeds)
        return [np.concatenate([total, total], axis=1), state]

    with pytest.raises(ModelRefused, match=r"'total' has shape \[1, 2\] .* says \[1, 1\]"):
        replay(Stepper(doubled, SIGNATURE), GOLDEN)


def test_a_run_that_fails_is_refused() -> None:
    inputs = GOLDEN.inputs[0].copy()
    inputs[3] = np.inf
    with pytest.raises(ModelRefused, match="fails at step 3: input 'x' holds NaN or Inf"):
        replay(stepper(), replace(GOLDEN, inputs=(inputs,)))


def test_another_device_may_be_off_by_more() -> None:
    off = GOLDEN.outputs[0] + np.float32(5 * GOLDEN.atol[0])
    with pytest.raises(ModelRefused, match="1e-05 is allowed"):
        replay(stepper(), replace(GOLDEN, outputs=(off,)))
    replay(stepper(), replace(GOLDEN, outputs=(off,)), ELSEWHERE)
    with pytest.raises(ModelRefused, match="0.0001 is allowed"):
        replay(stepper(), replace(GOLDEN, outputs=(GOLDEN.outputs[0] + 1e-3,)), ELSEWHERE)
