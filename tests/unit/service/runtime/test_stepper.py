from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from service.core.model import Array
from service.runtime.accumulator import accumulate, accumulator_signature
from service.runtime.graph import Graph
from service.runtime.stepper import Batching, Stepper
from tests import graphs

SIGNATURE = accumulator_signature()
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
