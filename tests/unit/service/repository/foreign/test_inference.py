from __future__ import annotations

import numpy as np
import pytest

from service.core.graph import GraphFacts, GraphTensor
from service.repository.foreign.inference import infer
from service.repository.manifest import DTYPES
from tests import foreign
from tests.unit.service.repository.foreign.made import (
    GRU,
    VECTOR,
    declared,
    facts,
    inferred,
    problems,
    tensors,
)


def test_a_step_graph_with_named_axes_needs_no_declaration() -> None:
    found = inferred(GRU)
    assert [str(spec) for spec in found.inputs] == ["x: float32[3]"]
    assert [str(spec) for spec in found.outputs] == ["y: float32[2]"]
    (state,) = found.states
    assert (str(state.input), state.input.batch_axis, state.output) == (
        "h: float32[1, 4]",
        1,
        "h_next",
    )
    assert state.initial.tolist() == [[0, 0, 0, 0]]
    assert not found.fixed_batch


def test_states_are_paired_by_name_whatever_the_order() -> None:
    found = inferred(foreign.lstm().facts)
    assert [(state.input.name, state.output) for state in found.states] == [
        ("h", "h_next"),
        ("c", "next_c"),
    ]


def test_an_initial_state_fills_or_is_listed() -> None:
    for initial, expected in ((7, [[7, 7, 7, 7]]), ([[1, 2, 3, 4]], [[1, 2, 3, 4]])):
        (state,) = inferred(GRU, states={"h": {"initial": initial}}).states
        assert state.initial.tolist() == expected
        assert state.initial.dtype == np.float32


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_state_of_any_dtype_starts_from_zero(dtype: str) -> None:
    found = GraphFacts(
        tensors({"x": VECTOR, "h": VECTOR}, dtype),
        tensors({"y": VECTOR, "h_next": VECTOR}, dtype),
        {},
    )
    (state,) = inferred(found).states
    assert state.initial.dtype.name == dtype
    assert not state.initial.any()


def test_a_state_whose_output_another_took_is_no_silent_input() -> None:
    swapped = facts({"x": VECTOR, "a": VECTOR, "b": VECTOR}, {"a_next": VECTOR, "b_next": VECTOR})
    (doubt,) = problems(swapped, states={"a": {"output": "b_next"}})
    assert doubt == (
        "input 'b': 'b_next', which by its name renews it, renews 'a': "
        'add `states.b.output = "?"` or `inputs.b = {}` to model.toml'
    )
    states = {"a": {"output": "b_next"}, "b": {"output": "a_next"}}
    assert [state.output for state in inferred(swapped, states=states).states] == [
        "b_next",
        "a_next",
    ]


def test_features_and_symbols_reach_the_signature() -> None:
    (x,) = inferred(GRU, inputs={"x": {"features": ["a", "b", "c [m]"]}}).inputs
    assert x.features == ("a", "b", "c [m]")
    letters = {"symbols": ["a", "b", "c", "d"]}
    (symbol,) = inferred(foreign.lookup().facts, inputs={"symbol": letters}).inputs
    assert symbol.symbols == ("a", "b", "c", "d")


def test_a_graph_of_states_alone_serves_them() -> None:
    found = inferred(foreign.one_row().facts)
    assert [spec.name for spec in found.outputs] == ["mean"]
    assert found.states[0].output == "mean"


def test_a_state_may_be_served_beside_the_output() -> None:
    found = inferred(GRU, outputs={"h_next": {}})
    assert [str(spec) for spec in found.outputs] == ["y: float32[2]", "h_next: float32[1, 4]"]


def test_an_output_may_stay_unserved() -> None:
    assert problems(facts({"x": VECTOR}, {"y": VECTOR, "loss": ()}), memoryless=True) == [
        "output 'loss' is float32[], without an axis for the batch: "
        'add `unserved = ["loss"]` to model.toml'
    ]
    found = inferred(
        facts({"x": VECTOR}, {"y": VECTOR, "loss": ()}), memoryless=True, unserved=["loss"]
    )
    assert [spec.name for spec in found.outputs] == ["y"]


def test_an_output_that_is_not_served_may_renew_a_state() -> None:
    found = inferred(GRU, unserved=["h_next"])
    assert [spec.name for spec in found.outputs] == ["y"]
    assert found.states[0].output == "h_next"
    assert problems(foreign.one_row().facts, unserved=["mean"]) == [
        "the graph has no output to serve"
    ]


def test_a_batch_of_one_may_lie_along_any_axis_of_one() -> None:
    found = inferred(
        facts({"x": (1, 3), "h": (2, 1, 4)}, {"y": (1, 1), "h_next": (2, 1, 4)}),
    )
    assert found.fixed_batch
    assert [spec.shape for spec in (*found.inputs, *found.outputs)] == [(3,), (1,)]
    assert found.states[0].input.shape == (2, 4)


def test_in_a_batch_of_one_an_open_axis_is_no_batch() -> None:
    found = facts({"x": (1, "samples"), "h": (1, 4)}, {"y": (1, 1), "h_next": (1, 4)})
    (problem,) = problems(found)
    assert "add `inputs.x.shape = [?]` to model.toml" in problem
    assert inferred(found, inputs={"x": {"shape": [512]}}).inputs[0].shape == (512,)


def test_a_lone_open_axis_is_the_batch_but_not_if_it_is_a_time() -> None:
    unnamed = facts({"x": (None, 3), "h": (None, 4)}, {"y": (None, 2), "h_next": (None, 4)})
    assert inferred(unnamed).inputs[0].shape == (3,)
    timed = facts({"x": ("time", 3), "h": ("N", 4)}, {"y": ("N", 2), "h_next": ("N", 4)})
    assert "which of its axes is the batch is not said" in problems(timed)[0]


def test_an_open_axis_that_other_tensors_share_is_the_batch() -> None:
    found = facts({"x": ("a", "b"), "h": ("b", 4)}, {"y": ("b", 2), "h_next": ("b", 4)})
    assert inferred(found, inputs={"x": {"shape": [3]}}).inputs[0].batch_axis == 1


def test_a_time_axis_is_one_step_long_and_its_name_stands_for_that_everywhere() -> None:
    found = facts(
        {"x": ("batch", "time", 3), "h": ("batch", 4)},
        {"y": ("batch", "time", 2), "h_next": ("batch", 4)},
    )
    (problem,) = problems(found)
    assert "add `inputs.x.shape = [1, 3]` to model.toml" in problem
    declaration = {"inputs": {"x": {"shape": [1, 3]}}}
    assert inferred(found, **declaration).outputs[0].shape == (1, 2)


def test_unnamed_axes_are_asked_for() -> None:
    first, second = problems(foreign.unnamed().facts)
    assert "`inputs.x.batch_axis = 0` or `inputs.x.batch_axis = 1` or" in first
    assert "add `inputs.x.shape = [?, ?]`" in second


def test_what_one_end_of_a_state_leaves_open_the_other_may_know() -> None:
    found = facts({"x": VECTOR, "h": ("batch", None)}, {"y": VECTOR, "h_next": ("batch", 4)})
    assert inferred(found).states[0].input.shape == (4,)


def test_inputs_without_a_batch_are_constants() -> None:
    assert problems(foreign.scaled().facts) == [
        "input 'temperature' is float32[], without any axis, and can only be a constant: "
        "add `constants.temperature = ?` to model.toml",
        "input 'gain' is float32[2], without an axis for the batch: "
        "add `constants.gain = ?` to model.toml",
    ]
    inference = infer(
        foreign.scaled().facts, declared(constants={"temperature": 0.5, "gain": [2, 3]})
    )
    assert {name: array.tolist() for name, array in inference.constants.items()} == {
        "temperature": 0.5,
        "gain": [2.0, 3.0],
    }


def test_names_that_need_quotes_get_them() -> None:
    found = facts({"x.1": (None, None), "h": (None, 4)}, {"y": (None, 2), "h_next": (None, 4)})
    assert '`inputs."x.1".batch_axis = 0`' in problems(found)[0]


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (
            facts({"x": VECTOR}, {"y": VECTOR}),
            "no input is a state by its name, nor is the graph declared to have none: "
            'add `memoryless = true` or `states.x.output = "y"` to model.toml',
        ),
        (
            facts({"x": VECTOR}, {"x_next": VECTOR}),
            "every input is a state or a constant, none is left for clients to send: "
            "add `inputs.x = {}` to model.toml",
        ),
        (
            facts({"u": VECTOR, "sum_in": VECTOR}, {"sum_out": VECTOR}),
            "input 'sum_in': it may be a state that 'sum_out' renews, or what a client sends: "
            'add `states.sum_in.output = "sum_out"` or `inputs.sum_in = {}` to model.toml',
        ),
        (
            facts({"u": VECTOR, "h": VECTOR}, {"h_new": VECTOR, "h_next": VECTOR}),
            "input 'h': either of 'h_new', 'h_next' may renew it: "
            'add `states.h.output = "h_new"` or `states.h.output = "h_next"` '
            "or `inputs.h = {}` to model.toml",
        ),
        (
            foreign.counter().facts._replace(outputs=tensors({"new_count": ("N", 3)}, "int64")),
            "state 'count' is int64[N, 2] and 'new_count', which renews it, is int64[N, 3]: "
            "a state keeps its dtype and shape; if it is an input: "
            "add `inputs.count = {}` to model.toml",
        ),
        (
            facts({"u": VECTOR, "h": (4,)}, {"y": VECTOR, "h_next": (4,)}),
            "state 'h' is float32[4], without an axis for the batch",
        ),
    ],
)
def test_what_is_in_doubt_is_told_with_the_lines_to_add(found: GraphFacts, problem: str) -> None:
    assert problems(found)[0] == problem


def test_two_states_that_one_output_may_renew_are_in_doubt() -> None:
    found = facts({"u": VECTOR, "h": VECTOR, "h_0": VECTOR}, {"y": VECTOR, "h_next": VECTOR})
    assert problems(found)[0].startswith("input 'h': 'h_next' may renew either of 'h', 'h_0'")


def test_tensors_that_streams_do_not_carry_are_told() -> None:
    text = GraphTensor("text", "tensor(string)", ("batch",))
    assert "'text' is tensor(string), which streams do not carry" in problems(
        GRU._replace(inputs=(*GRU.inputs, text))
    )


@pytest.mark.parametrize("name", foreign.GRAPHS)
def test_every_graph_of_the_tests_is_read_as_meant(name: str) -> None:
    made = foreign.GRAPHS[name]()
    found = inferred(made.facts, **made.declared)
    assert {spec.name: (spec.dtype.name, spec.shape) for spec in found.inputs} == made.inputs
    assert len(found.states) == len(made.initial)
