from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from onnx import ModelProto

from service.core.model import Array
from service.repository.description import describe
from service.repository.manifest import Manifest
from service.runtime.accumulator import accumulate, accumulator_signature
from service.runtime.graph import Graph
from service.runtime.plain import StepFunction
from service.runtime.probe import probe
from service.runtime.stepper import Batching
from tests import foreign, graphs
from tests.fakes import accumulator_golden

SIGNATURE = accumulator_signature()
GOLDEN = accumulator_golden(SIGNATURE)


def probed(model: ModelProto, manifest: Manifest) -> Batching:
    signature = manifest.signature()
    function = Graph(model.SerializeToString()).step_function(signature)
    return probe(function, signature, graphs.golden_run(model, manifest).inputs)


def test_independent_rows_run_in_any_number() -> None:
    assert probe(accumulate, SIGNATURE, GOLDEN.inputs) is Batching.ANY


def test_a_gru_runs_in_any_number() -> None:
    assert probed(*graphs.recurrent("GRU")) is Batching.ANY


def test_rows_that_see_their_neighbours_run_alone() -> None:
    assert probed(graphs.neighbourly(), graphs.ACCUMULATOR) is Batching.ONE


def test_a_kernel_that_treats_a_lone_row_differently_gets_two() -> None:
    def lone_row_differs(feeds: Mapping[str, Array]) -> Sequence[Array]:
        total, state = accumulate(feeds)
        return [total * 1.0000001, state] if len(total) == 1 else [total, state]

    assert probe(lone_row_differs, SIGNATURE, GOLDEN.inputs) is Batching.AT_LEAST_TWO


def test_a_kernel_that_differs_by_the_size_of_the_batch_runs_alone() -> None:
    def large_batch_differs(feeds: Mapping[str, Array]) -> Sequence[Array]:
        total, state = accumulate(feeds)
        return [total * 1.0000001, state] if len(total) == 33 else [total, state]

    assert probe(large_batch_differs, SIGNATURE, GOLDEN.inputs) is Batching.ONE


def by_size(feeds: Mapping[str, Array]) -> Sequence[Array]:
    """As the libraries of a device, with a kernel for each range of sizes."""
    total, state = accumulate(feeds)
    scale = np.float32(1 + len(total) * 1e-7)
    return [total * scale, state * scale]


def test_rows_that_the_size_of_the_batch_rounds_run_closely_where_that_is_allowed() -> None:
    assert probe(by_size, SIGNATURE, GOLDEN.inputs) is Batching.ONE
    assert probe(by_size, SIGNATURE, GOLDEN.inputs, closely=True) is Batching.CLOSELY
    assert probe(accumulate, SIGNATURE, GOLDEN.inputs, closely=True) is Batching.ANY


def by_place(feeds: Mapping[str, Array]) -> Sequence[Array]:
    """As a kernel that splits the sums of some tiles of its result, and not those of others."""
    total, state = accumulate(feeds)
    scale = np.where(np.arange(len(total)) < 200, 1, np.float32(1 + 1e-6))[:, None]
    return [total * scale.astype(np.float32), state]


def test_rows_that_their_place_in_the_batch_rounds_run_closely_where_that_is_allowed() -> None:
    assert probe(by_place, SIGNATURE, GOLDEN.inputs) is Batching.ONE
    assert probe(by_place, SIGNATURE, GOLDEN.inputs, closely=True) is Batching.CLOSELY


def test_rows_that_see_their_neighbours_are_not_close() -> None:
    def mixes(feeds: Mapping[str, Array]) -> Sequence[Array]:
        total, state = by_size(feeds)
        return [total + np.float32(1e-7) * total.max(), state]

    def grows(feeds: Mapping[str, Array]) -> Sequence[Array]:
        total, state = accumulate(feeds)
        return [total * np.float32(1 + len(total) * 1e-4), state]

    def numbers(feeds: Mapping[str, Array]) -> Sequence[Array]:
        total, state = accumulate(feeds)
        return [total + np.arange(len(total), dtype=np.float32)[:, None], state]

    for function in (mixes, grows, numbers):
        assert probe(function, SIGNATURE, GOLDEN.inputs, closely=True) is Batching.ONE


def test_a_branch_that_the_largest_row_decides_runs_alone() -> None:
    made = foreign.branching()
    found = describe(made.facts, None)
    inputs = tuple(made.stream().values())
    function = Graph(made.content).step_function(found.signature)
    assert probe(function, found.signature, inputs) is Batching.ONE


def test_a_graph_that_takes_one_row_only_runs_alone() -> None:
    def one_row(feeds: Mapping[str, Array]) -> Sequence[Array]:
        if len(feeds["x"]) > 1:
            raise RuntimeError("too many")
        return accumulate(feeds)

    assert probe(one_row, SIGNATURE, GOLDEN.inputs) is Batching.ONE


def fails_from(rows: int) -> StepFunction:
    def function(feeds: Mapping[str, Array]) -> Sequence[Array]:
        if len(feeds["x"]) >= rows:
            raise RuntimeError("Failed to allocate memory for requested buffer of size 8388608")
        return by_size(feeds)

    return function


def test_a_crowd_that_a_device_has_no_room_for_is_told() -> None:
    inputs = GOLDEN.inputs
    with pytest.raises(RuntimeError, match="Failed to allocate"):
        probe(fails_from(200), SIGNATURE, inputs, closely=True)
    assert probe(fails_from(2), SIGNATURE, inputs, closely=True) is Batching.ONE
    assert probe(fails_from(200), SIGNATURE, inputs) is Batching.ONE


def test_a_fixed_batch_runs_alone_unprobed() -> None:
    def never(feeds: Mapping[str, Array]) -> Sequence[Array]:
        raise AssertionError("a fixed batch needs no probe")

    assert probe(never, replace(SIGNATURE, fixed_batch=True), GOLDEN.inputs) is Batching.ONE


@pytest.mark.parametrize(
    "disturbed",
    [
        lambda x: x.max() > 50,
        lambda x: x.min() < -5000,
        lambda x: np.isnan(x).any(),
        lambda x: np.isposinf(x).any(),
        lambda x: abs(x.mean()) > 1,
    ],
    ids=["large", "very small", "nan", "infinite", "mean"],
)
def test_rows_that_only_an_extreme_neighbour_disturbs_run_alone(
    disturbed: Callable[[Array], bool],
) -> None:
    def mixing(feeds: Mapping[str, Array]) -> Sequence[Array]:
        total, state = accumulate(feeds)
        return [np.zeros_like(total) if disturbed(feeds["x"]) else total, state]

    assert probe(mixing, SIGNATURE, GOLDEN.inputs) is Batching.ONE


def test_an_extreme_state_may_disturb_as_well() -> None:
    def mixing(feeds: Mapping[str, Array]) -> Sequence[Array]:
        total, state = accumulate(feeds)
        return [total, state / np.maximum(1, feeds["sum"].max() / 50)]

    assert probe(mixing, SIGNATURE, GOLDEN.inputs) is Batching.ONE


@pytest.mark.parametrize(
    ("dtype", "extremes"),
    [
        ("float16", {-65504.0, 65504.0}),
        ("int8", {-128, 127}),
        ("int64", {-(2**63), 2**63 - 1}),
    ],
)
def test_an_extreme_value_is_as_large_as_its_dtype_goes(dtype: str, extremes: set[float]) -> None:
    x = replace(SIGNATURE.inputs[0], dtype=np.dtype(dtype))
    seen: set[float] = set()

    def looking(feeds: Mapping[str, Array]) -> Sequence[Array]:
        seen.update(feeds["x"].ravel().tolist())
        return accumulate({"sum": feeds["sum"], "x": feeds["x"].astype(np.float32)})

    inputs = [array.astype(dtype) for array in GOLDEN.inputs]
    assert probe(looking, replace(SIGNATURE, inputs=(x,)), inputs) is Batching.ANY
    assert extremes <= seen


def test_an_extreme_value_that_cannot_run_is_left_to_the_stepper() -> None:
    def refusing(feeds: Mapping[str, Array]) -> Sequence[Array]:
        if np.abs(feeds["x"]).max() > 1e20:
            raise OverflowError
        return accumulate(feeds)

    assert probe(refusing, SIGNATURE, GOLDEN.inputs) is Batching.ANY


def test_results_of_another_shape_are_left_to_the_stepper() -> None:
    def vanishing(feeds: Mapping[str, Array]) -> Sequence[Array]:
        total, state = accumulate(feeds)
        return [total[:0], state] if feeds["x"].max() > 50 else [total, state]

    assert probe(vanishing, SIGNATURE, GOLDEN.inputs) is Batching.ANY
