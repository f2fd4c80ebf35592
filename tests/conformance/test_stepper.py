"""What every model must do in a stepper, whatever computes its steps."""

from __future__ import annotations

import numpy as np
import pytest

from service.core.errors import StepFault
from service.core.model import Array
from service.runtime.accumulator import accumulate, accumulator_signature
from service.runtime.bound import BoundGraph
from service.runtime.graph import Graph
from service.runtime.plain import StepFunction
from service.runtime.stepper import Batching, Stepper
from tests import graphs
from tests.devices import Padding

MODEL = graphs.accumulator().SerializeToString()
FUNCTIONS: dict[str, StepFunction | BoundGraph] = {
    "python": accumulate,
    "onnx": Graph(MODEL).step_function(accumulator_signature()),
    "bound": Graph(MODEL).bound(accumulator_signature()),
    "device": Graph(MODEL, device=Padding()).bound(accumulator_signature()),
}


@pytest.fixture(params=[(name, mode) for name in FUNCTIONS for mode in Batching])
def stepper(request: pytest.FixtureRequest) -> Stepper:
    """A running sum of float32[1], with room for 8 streams, all started."""
    name, batching = request.param
    made = Stepper(FUNCTIONS[name], accumulator_signature(), batching)
    made.reserve(8)
    for slot in range(8):
        made.start(slot)
    return made


def totals(stepper: Stepper, slots: list[int], inputs: list[float]) -> Array:
    data = np.array(inputs, np.float32).tobytes()
    return stepper.step(np.array(slots), [data]).outputs[0][:, 0]


def test_a_step_advances_its_slots_and_no_others(stepper: Stepper) -> None:
    assert totals(stepper, [0, 3], [1.0, 2.0]).tolist() == [1.0, 2.0]
    assert totals(stepper, [0, 1, 3], [10.0, 10.0, 10.0]).tolist() == [11.0, 10.0, 12.0]


def test_rows_follow_the_order_of_the_slots(stepper: Stepper) -> None:
    totals(stepper, [0, 1, 2], [1.0, 2.0, 3.0])
    assert totals(stepper, [2, 0, 1], [0.0, 0.0, 0.0]).tolist() == [3.0, 1.0, 2.0]


def test_a_started_slot_is_back_at_the_initial_state(stepper: Stepper) -> None:
    totals(stepper, [4], [7.0])
    stepper.start(4)
    assert totals(stepper, [4], [1.0]).tolist() == [1.0]


def test_growing_keeps_every_state(stepper: Stepper) -> None:
    totals(stepper, [0, 7], [1.0, 2.0])
    stepper.reserve(100)
    stepper.start(99)
    assert totals(stepper, [0, 7, 99], [0.0, 0.0, 5.0]).tolist() == [1.0, 2.0, 5.0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_non_finite_input_is_a_fault_of_its_row_alone(stepper: Stepper, bad: float) -> None:
    totals(stepper, [0, 1], [1.0, 1.0])
    data = np.array([5.0, bad], np.float32).tobytes()
    result = stepper.step(np.array([0, 1]), [data])
    assert result.faults.keys() == {1}
    assert result.faults[1].fault is StepFault.INVALID_INPUT
    assert "input 'x'" in result.faults[1].message
    assert totals(stepper, [0, 1], [0.0, 0.0]).tolist() == [6.0, 1.0]


def test_a_non_finite_result_is_a_fault_and_leaves_the_state(stepper: Stepper) -> None:
    largest = float(np.finfo(np.float32).max)
    totals(stepper, [0, 1], [largest, 1.0])
    result = stepper.step(np.array([0, 1]), [np.array([largest, 1.0], np.float32).tobytes()])
    assert result.faults.keys() == {0}
    assert result.faults[0].fault is StepFault.RESULT_NOT_FINITE
    assert totals(stepper, [0, 1], [0.0, 0.0]).tolist() == [np.float32(largest), 2.0]


def test_a_batch_of_faults_only_leaves_every_state(stepper: Stepper) -> None:
    totals(stepper, [0, 1], [1.0, 2.0])
    result = stepper.step(np.array([0, 1]), [np.full(2, np.nan, np.float32).tobytes()])
    assert result.faults.keys() == {0, 1}
    assert totals(stepper, [0, 1], [0.0, 0.0]).tolist() == [1.0, 2.0]
