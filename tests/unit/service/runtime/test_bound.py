from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, helper

from service.core.batch import BatchResult
from service.core.errors import StepFault
from service.core.model import Array
from service.repository.manifest import Manifest, State, Tensor, decode
from service.runtime import bound
from service.runtime.device import CPU, Cpu, Device, DeviceArray
from service.runtime.graph import Graph
from service.runtime.stepper import Batching, Stepper, WrongShape
from service.runtime.trial import random_inputs
from tests import graphs
from tests.devices import Distant, Padding

REPOSITORY = Path(__file__).parents[4] / "model_repository"
BUNDLED = sorted(REPOSITORY.glob("*/*/model.onnx"))
SLOTS = 40


def stepper_of(model: bytes | Path, device: Device = CPU, slots: int = SLOTS) -> Stepper:
    graph = Graph(model, device=device)
    signature = decode(graph.metadata)[0].signature()
    return started(Stepper(graph.bound(signature), signature, Batching.AT_LEAST_TWO), slots)


def plain_stepper_of(model: bytes | Path, slots: int = SLOTS) -> Stepper:
    graph = Graph(model)
    signature = decode(graph.metadata)[0].signature()
    return started(Stepper(graph.step_function(signature), signature, Batching.AT_LEAST_TWO), slots)


def started(stepper: Stepper, slots: int) -> Stepper:
    stepper.reserve(slots)
    for slot in range(slots):
        stepper.start(slot)
    return stepper


def steps(stepper: Stepper, count: int = 12) -> list[tuple[list[bytes], list[tuple[bytes, ...]]]]:
    """The outputs of some steps of changing streams, and the states of all after each."""
    random = np.random.default_rng(7)
    inputs = random_inputs(stepper.signature)
    seen = []
    for step in range(count):
        rows = int(random.integers(1, SLOTS)) if step > 2 else step + 1
        first = int(random.integers(0, SLOTS - rows))
        slots = random.permutation(SLOTS)[:rows] if step % 2 else slice(first, first + rows)
        chosen = random.integers(0, len(inputs[0]), rows)
        result = stepper.step(slots, [array[chosen].tobytes() for array in inputs])
        assert not result.faults
        outputs = [np.ascontiguousarray(array).tobytes() for array in result.outputs]
        seen.append((outputs, stepper.save(np.arange(SLOTS))))
    return seen


@pytest.mark.parametrize("make", [Cpu, Distant, Padding])
@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: path.parts[-3])
def test_bound_runs_give_the_bits_of_plain_ones(path: Path, make: Callable[[], Device]) -> None:
    assert steps(stepper_of(path, make())) == steps(plain_stepper_of(path))


def sideways() -> tuple[ModelProto, Manifest]:
    """An accumulator of three numbers whose batch axis is the last everywhere."""
    vector = Tensor(name="x", shape=(3,), batch_axis=1)
    manifest = Manifest(
        inputs=(vector,),
        outputs=(vector.model_copy(update={"name": "total"}),),
        states=(State(input=vector.model_copy(update={"name": "sum"}), output="sum_next"),),
    )
    return graphs.graph(list(graphs.accumulator().graph.node), manifest), manifest


@pytest.mark.parametrize("make", [Cpu, Padding])
@pytest.mark.parametrize(
    "made", [sideways, graphs.mixer, lambda: graphs.recurrent("RNN", inputs=5, hidden=7)]
)
def test_batch_axes_and_dtypes_and_odd_sizes_make_no_difference(
    made: Callable[[], tuple[ModelProto, Manifest]], make: Callable[[], Device]
) -> None:
    model = graphs.package(*made())
    assert steps(stepper_of(model, make())) == steps(plain_stepper_of(model))


def test_only_inputs_and_outputs_cross_the_bus() -> None:
    device = Padding()
    stepper = stepper_of(REPOSITORY / "sine-lstm" / "1" / "model.onnx", device)
    inputs = [array[:3].tobytes() for array in random_inputs(stepper.signature)]
    device.crossings.clear()
    stepper.step(slice(4, 7), inputs)
    assert device.crossings == {"upload": 1, "download": 1}
    device.crossings.clear()
    stepper.step(np.array([8, 1, 30]), inputs)
    assert device.crossings == {"put": 1, "upload": 1, "download": 1}, "slots are put there once"


def test_the_states_of_many_streams_are_saved_in_one_copy() -> None:
    device = Distant()
    stepper = stepper_of(REPOSITORY / "sine-lstm" / "1" / "model.onnx", device)
    assert len(stepper.signature.states) == 2
    device.crossings.clear()
    stepper.save(np.arange(SLOTS))
    assert device.crossings == {"put": 1, "fetch": 1}


@pytest.mark.parametrize("made", [sideways, graphs.mixer])
@pytest.mark.parametrize("make", [Cpu, Distant, Padding])
def test_outputs_are_the_callers(
    make: Callable[[], Device], made: Callable[[], tuple[ModelProto, Manifest]]
) -> None:
    """Whoever keeps them, or writes to them, has nothing to do with later runs."""
    stepper, other = (stepper_of(graphs.package(*made()), make()) for _ in range(2))
    inputs = [array[:3].tobytes() for array in random_inputs(stepper.signature)]
    first = stepper.step(slice(0, 3), inputs).outputs
    kept = [array.tobytes() for array in first]
    seen = [array.tobytes() for array in stepper.step(slice(0, 3), inputs).outputs]
    assert [array.tobytes() for array in first] == kept != seen
    assert all(array.flags.c_contiguous for array in first)
    for array in other.step(slice(0, 3), inputs).outputs:
        array.fill(3)
    assert [array.tobytes() for array in other.step(slice(0, 3), inputs).outputs] == seen


def test_a_size_whose_binding_was_dropped_is_bound_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bound, "_KEPT", 2)
    model = graphs.accumulator_package()
    assert steps(stepper_of(model), 60) == steps(plain_stepper_of(model), 60)


LOOKUP = Manifest(
    inputs=(Tensor(name="x", dtype="int64", shape=(1,)),),
    outputs=(Tensor(name="total", shape=(1,)),),
    states=(State(input=Tensor(name="sum", shape=(1,)), output="sum_next"),),
)
WORTH = np.array([1, 10, 100], np.float32)


def lookup() -> ModelProto:
    """Adds up what numbers are worth, and breaks on one that has no worth."""
    return graphs.graph(
        [
            helper.make_node("Gather", ["worth", "x"], ["gain"]),
            helper.make_node("Add", ["sum", "gain"], ["sum_next"]),
            helper.make_node("Identity", ["sum_next"], ["total"]),
        ],
        LOOKUP,
        {"worth": WORTH},
    )


def stepper_of_lookup(device: Device, symbols: tuple[str, ...] = ()) -> Stepper:
    graph = Graph(lookup().SerializeToString(), device=device)
    named = LOOKUP.inputs[0].model_copy(update={"symbols": symbols})
    signature = LOOKUP.model_copy(update={"inputs": (named,)}).signature()
    return started(Stepper(graph.bound(signature), signature), 4)


def totals(result: BatchResult) -> list[float]:
    return [float(row[0]) for row in result.outputs[0]]


def numbers(*values: int) -> list[bytes]:
    return [np.array(values, np.int64).tobytes()]


@pytest.mark.parametrize("make", [Cpu, Distant, Padding])
def test_a_row_that_breaks_the_run_does_not_break_its_neighbours(
    make: Callable[[], Device],
) -> None:
    stepper = stepper_of_lookup(make())
    result = stepper.step(np.array([3, 0, 2]), numbers(0, 7, 2))
    [(row, (fault, message))] = result.faults.items()
    assert (row, fault) == (1, StepFault.RUN_FAILED) and "out of" in message
    assert [totals(result)[row] for row in (0, 2)] == [1, 100]
    assert totals(stepper.step(slice(0, 4), numbers(0, 0, 0, 0))) == [1, 1, 101, 2]
    with pytest.raises(Exception, match="out of"):
        stepper.step(slice(0, 1), numbers(7))
    assert totals(stepper.step(slice(0, 1), numbers(0))) == [2]


@pytest.mark.parametrize("make", [Cpu, Padding])
def test_a_number_that_is_no_symbol_is_its_rows_fault_alone(make: Callable[[], Device]) -> None:
    stepper = stepper_of_lookup(make(), ("a", "b", "c"))
    result = stepper.step(slice(0, 3), numbers(0, 7, 2))
    assert {row: fault.fault for row, fault in result.faults.items()} == {
        1: StepFault.INVALID_INPUT
    }
    assert totals(stepper.step(slice(0, 3), numbers(0, 0, 0))) == [2, 1, 101]


def test_what_is_known_to_break_a_run_is_not_run() -> None:
    device = Padding()
    stepper = stepper_of_lookup(device, ("a", "b", "c"))
    device.crossings.clear()
    stepper.step(slice(0, 3), numbers(0, 7, 2))
    assert device.crossings["upload"] == 1


def test_what_broke_a_run_does_not_break_a_smaller_one_that_is_padded() -> None:
    device = Padding()
    stepper = stepper_of_lookup(device)
    stepper.step(slice(0, 4), numbers(0, 0, 0, 7))
    stepper.step(slice(0, 4), numbers(0, 0, 0, 0))
    taken = stepper.take(slice(0, 4), numbers(0, 0, 0, 7))
    assert taken.rows == 4
    device.crossings.clear()
    stepper.step(slice(0, 3), numbers(0, 0, 0))
    assert device.crossings["upload"] == 1


def test_results_of_another_shape_are_told_and_reach_no_state() -> None:
    """Of a graph that gives only the totals above zero."""
    nodes = [
        helper.make_node("Add", ["sum", "x"], ["sum_next"]),
        helper.make_node("Greater", ["sum_next", "zero"], ["above"]),
        helper.make_node("Squeeze", ["above", "last"], ["chosen"]),
        helper.make_node("Compress", ["sum_next", "chosen"], ["total"], axis=0),
    ]
    constants: dict[str, Array] = {"zero": np.zeros(1, np.float32), "last": np.array([1])}
    model = graphs.graph(nodes, graphs.ACCUMULATOR, constants)
    signature = graphs.ACCUMULATOR.signature()
    bound_graph = Graph(model.SerializeToString()).bound(signature)
    stepper = started(Stepper(bound_graph, signature), 2)
    result = stepper.step(slice(0, 2), [np.array([3, -1], np.float32).tobytes()])
    assert result.faults.keys() == {1} and "'total' has shape [0, 1]" in result.faults[1].message
    with pytest.raises(WrongShape, match=r"'total' has shape \[0, 1\] when it runs"):
        stepper.step(slice(1, 2), [np.array([-1], np.float32).tobytes()])
    later = stepper.step(slice(0, 2), [np.array([1, 1], np.float32).tobytes()])
    assert totals(later) == [4, 1]


class Counted(Padding):
    """Minds how often it was asked for memory."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def zeros(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> DeviceArray:
        self.asked += 1
        return super().zeros(shape, dtype)

    def host(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        self.asked += 1
        return super().host(shape, dtype)


def test_a_device_that_is_warm_is_asked_for_no_more_memory() -> None:
    device = Counted()
    stepper = stepper_of(graphs.package(*graphs.recurrent("GRU")), device)
    stepper.warm_up(SLOTS)
    asked = device.asked
    steps(stepper)
    assert device.asked == asked


def test_the_numbers_of_rows_that_come_again_stay_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bound, "_KEPT", 2)
    graph = Graph(graphs.accumulator_package())
    runs = graph.bound(decode(graph.metadata)[0].signature())
    one, two = runs.rows(1), runs.rows(2)
    assert runs.rows(1) is one
    runs.rows(3)
    assert runs.rows(1) is one
    assert runs.rows(2) is not two
