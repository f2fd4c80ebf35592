from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from service.core.batch import BatchResult, Fault
from service.core.errors import StepFault
from service.core.model import Array, Signature, StateSpec, TensorSpec
from service.core.slots import Index
from service.runtime.accumulator import accumulate, accumulator_signature
from service.runtime.arena import Arena
from service.runtime.device import DeviceArray
from service.runtime.graph import Graph
from service.runtime.loss import DeviceLost
from service.runtime.stepper import Batching, Stepper, WrongShape
from tests import graphs
from tests.lossy import ILLEGAL

SIGNATURE = accumulator_signature()
FLOAT = np.dtype("<f4")
ONES = np.ones(3, np.float32).tobytes()


@pytest.mark.parametrize(
    ("batching", "rows", "runs"),
    [
        (Batching.ANY, 1, [1]),
        (Batching.ANY, 3, [3]),
        (Batching.AT_LEAST_TWO, 1, [2]),
        (Batching.AT_LEAST_TWO, 3, [3]),
        (Batching.ONE, 1, [1]),
        (Batching.ONE, 3, [1, 1, 1]),
    ],
)
def test_the_batching_decides_how_many_rows_a_run_has(
    batching: Batching, rows: int, runs: list[int]
) -> None:
    seen = []

    def watched(feeds: Mapping[str, Array]) -> Sequence[Array]:
        seen.append(len(feeds["x"]))
        return accumulate(feeds)

    stepper = Stepper(watched, SIGNATURE, batching)
    stepper.reserve(4)
    stepper.step(np.arange(rows), [ONES[: 4 * rows]])
    assert seen == runs


def test_a_row_is_the_same_to_the_last_bit_alone_and_in_a_crowd() -> None:
    for cell in ("GRU", "RNN"):
        model, manifest = graphs.recurrent(cell)
        signature = manifest.signature()
        function = Graph(model.SerializeToString()).step_function(signature)
        random = np.random.default_rng(3)
        inputs = random.normal(size=(64, 8)).astype(np.float32)
        crowd = Stepper(function, signature, Batching.AT_LEAST_TWO)
        alone = Stepper(function, signature, Batching.AT_LEAST_TWO)
        for stepper in (crowd, alone):
            stepper.reserve(64)
        for _ in range(5):
            together = crowd.step(np.arange(64), [inputs.tobytes()]).outputs[0]
            for row in range(64):
                lone = alone.step(np.array([row]), [inputs[row].tobytes()]).outputs[0]
                assert lone.tobytes() == together[row].tobytes()


def test_a_model_that_takes_non_finite_inputs_gets_them() -> None:
    def zero_for_nan(feeds: Mapping[str, Array]) -> Sequence[Array]:
        return accumulate({**feeds, "x": np.nan_to_num(feeds["x"])})

    stepper = Stepper(zero_for_nan, replace(SIGNATURE, takes_non_finite=True))
    stepper.reserve(1)
    result = stepper.step(np.array([0]), [np.full(1, np.nan, np.float32).tobytes()])
    assert not result.faults
    assert result.outputs[0].tolist() == [[0.0]]


SYMBOL = TensorSpec("symbol", np.dtype("<i8"), (1,), symbols=("a", "b", "c"))
READS_SYMBOLS = Signature(
    inputs=(SYMBOL,),
    outputs=(TensorSpec("total", np.dtype("<i8"), (1,)),),
    states=(
        StateSpec(TensorSpec("sum", np.dtype("<i8"), (1,)), "sum_next", np.zeros(1, np.int64)),
    ),
)
WORTH = np.array([1, 10, 100])


def add_worth(feeds: Mapping[str, Array]) -> Sequence[Array]:
    """Looks symbols up, as an embedding does, and so breaks on one that is not there."""
    total = feeds["sum"] + WORTH[feeds["symbol"]]
    return [total, total]


def stepper_of(signature: Signature, batching: Batching = Batching.ANY) -> Stepper:
    stepper = Stepper(add_worth, signature, batching)
    stepper.reserve(3)
    for slot in range(3):
        stepper.start(slot)
    return stepper


def stepped(stepper: Stepper, numbers: list[int]) -> BatchResult:
    return stepper.step(np.arange(len(numbers)), [np.array(numbers, np.int64).tobytes()])


@pytest.mark.parametrize("batching", Batching)
@pytest.mark.parametrize("unknown", [3, -1, 2**40])
def test_a_number_that_is_no_symbol_is_its_rows_fault_alone(
    batching: Batching, unknown: int
) -> None:
    stepper = stepper_of(READS_SYMBOLS, batching)
    result = stepped(stepper, [0, unknown, 2])
    assert result.faults == {1: Fault(StepFault.INVALID_INPUT, "input 'symbol' has symbols 0 to 2")}
    assert result.outputs[0][[0, 2], 0].tolist() == [1, 100]
    assert stepped(stepper, [0, 1, 0]).outputs[0][:, 0].tolist() == [2, 10, 101]


@pytest.mark.parametrize("batching", Batching)
def test_a_row_that_breaks_the_run_does_not_break_its_neighbours(batching: Batching) -> None:
    anything = replace(SYMBOL, symbols=())
    stepper = stepper_of(replace(READS_SYMBOLS, inputs=(anything,)), batching)
    result = stepped(stepper, [0, 7, 2])
    [(row, (fault, message))] = result.faults.items()
    assert (row, fault) == (1, StepFault.RUN_FAILED) and "out of bounds" in message
    assert result.outputs[0][[0, 2], 0].tolist() == [1, 100]
    assert stepped(stepper, [0, 1, 0]).outputs[0][:, 0].tolist() == [2, 10, 101]


def test_a_device_that_is_lost_while_rows_run_apart_is_told() -> None:
    fails = iter([RuntimeError("CUBLAS failure 13: no success"), RuntimeError(ILLEGAL)])

    def failing(feeds: Mapping[str, Array]) -> Sequence[Array]:
        raise next(fails)

    stepper = Stepper(failing, SIGNATURE)
    stepper.reserve(2)
    with pytest.raises(DeviceLost, match="CUDA failure 700"):
        stepper.step(np.arange(2), [np.zeros(2, np.float32).tobytes()])


def test_a_row_that_breaks_the_run_is_told_without_the_host_it_was_on() -> None:
    def failing(feeds: Mapping[str, Array]) -> Sequence[Array]:
        raise RuntimeError("CUBLAS failure 13: no success ; GPU=0 ; hostname=a")

    stepper = Stepper(failing, SIGNATURE)
    stepper.reserve(2)
    result = stepper.step(np.arange(2), [np.zeros(2, np.float32).tobytes()])
    told = "the run failed: CUBLAS failure 13: no success"
    assert [fault.message for fault in result.faults.values()] == [told, told]


def test_a_lone_row_that_breaks_the_run_raises() -> None:
    anything = replace(SYMBOL, symbols=())
    with pytest.raises(IndexError):
        stepped(stepper_of(replace(READS_SYMBOLS, inputs=(anything,))), [7])


@pytest.mark.parametrize("batching", [Batching.ANY, Batching.AT_LEAST_TWO])
def test_results_of_another_shape_reach_no_state(batching: Batching) -> None:
    def shrinking(feeds: Mapping[str, Array]) -> Sequence[Array]:
        total, state = accumulate(feeds)
        return [total, state[:1]] if feeds["x"].max() > 100 else [total, state]

    stepper = Stepper(shrinking, SIGNATURE, batching)
    stepper.reserve(3)
    for slot in range(3):
        stepper.start(slot)
    slots = np.arange(3)
    result = stepper.step(slots, [np.array([1, 1000, 2], np.float32).tobytes()])
    faulty = {1} if batching is Batching.AT_LEAST_TWO else set()  # beside a copy it has two rows
    assert set(result.faults) == faulty
    again = stepper.step(slots, [np.zeros(3, np.float32).tobytes()])
    assert again.outputs[0][:, 0].tolist() == [1, 0 if faulty else 1000, 2]


def test_a_lone_row_without_a_result_raises() -> None:
    stepper = Stepper(lambda feeds: [feeds["x"][:0], feeds["sum"]], SIGNATURE)
    stepper.reserve(1)
    stepper.start(0)
    with pytest.raises(WrongShape, match=r"'total' has shape \[0, 1\] .* \[1, 1\]"):
        stepper.step(np.zeros(1, np.int64), [np.ones(1, np.float32).tobytes()])


class Short(Arena):
    """Is short of memory once, when it has replaced the first of two states."""

    is_short = False

    def scatter(self, slots: Index, states: Sequence[DeviceArray]) -> None:
        if self.is_short:
            self.is_short = False
            first, _ = states
            _, former = self.gather(slots)
            super().scatter(slots, [first, former])
            raise MemoryError("for the second")
        super().scatter(slots, states)


@pytest.mark.parametrize("absent", [set(), {1}], ids=["all", "those that are there"])
def test_states_that_are_kept_half_are_all_as_they_were(absent: set[int]) -> None:
    def count(feeds: Mapping[str, Array]) -> Sequence[Array]:
        return [feeds["h"] + feeds["x"], feeds["h"] + 1, feeds["c"] + 1]

    x, y, *states = (TensorSpec(name, FLOAT, (1,)) for name in ("x", "y", "h", "c"))
    kept = tuple(StateSpec(spec, f"{spec.name}_next", np.zeros(1, FLOAT)) for spec in states)
    arena = Short(kept)
    stepper = Stepper(count, Signature((x,), (y,), kept), states=lambda *_: arena)
    stepper.reserve(4)
    for slot in range(4):
        stepper.start(slot)
    slots, inputs = np.array([0, 2, 3]), [np.ones(3, FLOAT).tobytes()]
    stepper.step(slots, inputs)
    before = stepper.save(np.arange(4))
    result = stepper.run(stepper.take(slots, inputs))
    arena.is_short = True
    with pytest.raises(MemoryError):
        stepper.keep(slots, result, absent)
    assert stepper.save(np.arange(4)) == before
    stepper.step(slots, inputs)
    assert stepper.save(slots) == [(np.full(1, 2, FLOAT).tobytes(),) * 2] * 3
