"""Inference over graphs of any shape: it always answers, and stands by what it printed."""

from __future__ import annotations

import tomllib

from hypothesis import given, settings
from hypothesis import strategies as st

from service.core.graph import Dim, GraphFacts, GraphTensor
from service.repository.foreign.declaration import Declaration
from service.repository.foreign.inference import infer, signature
from service.repository.foreign.starter import starter

names = st.sampled_from(
    ["x", "h", "c", "h0", "h_0", "x_in", "state", "s'", "in.1", "ü", 'say "h"', "audio_in", "", "n"]
)
renewals = st.sampled_from(
    [
        "y",
        "h_next",
        "c_next",
        "hn",
        "h_n",
        "x_out",
        "stateN",
        "s",
        "out.1",
        "new ü",
        "audio_out",
        "x1",
    ]
)
dims = st.sampled_from([1, 1, 2, 4, None, "batch", "N", "time", "features", "a"])
shapes = st.lists(dims, max_size=3).map(tuple)
dtypes = st.sampled_from(["float32", "float32", "int64", "bool", "tensor(string)"])


def tensors(of: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[GraphTensor, ...]]:
    one = st.builds(GraphTensor, of, dtypes, shapes)
    return st.lists(one, max_size=4, unique_by=lambda tensor: tensor.name).map(tuple)


graphs = st.builds(GraphFacts, tensors(names), tensors(renewals), st.just({}))
NOTHING = Declaration()


@settings(deadline=None)
@given(graphs)
def test_every_input_has_one_role_and_every_output_renews_one_state(facts: GraphFacts) -> None:
    found = infer(facts, NOTHING)
    taken = [
        *(placed.tensor.name for placed in found.inputs),
        *(state.input.tensor.name for state in found.states),
        *found.constants,
        *(tensor.name for tensor in found.asked_constants),
    ]
    assert sorted(taken) == sorted(tensor.name for tensor in facts.inputs)
    renewed = [state.output for state in found.states]
    assert len(set(renewed)) == len(renewed)


States = dict[str, tuple[str, int, tuple[int, ...]]]
"""For each state its output, batch axis and shape."""

PAIRS = [("h", "h_next"), ("c", "new_c"), ("state_in", "state_out"), ("past.0.k", "present.0.k")]


@st.composite
def meant(draw: st.DrawFn) -> tuple[GraphFacts, States]:
    """A step graph in any order, and its states."""
    states: States = {}
    inputs = [GraphTensor("x", "float32", ("batch", 3))]
    outputs = [GraphTensor("y", "float32", ("batch", 2))]
    for taken, given_ in draw(st.lists(st.sampled_from(PAIRS), min_size=1, unique=True)):
        shape = tuple(draw(st.lists(st.sampled_from([1, 2]), min_size=1, max_size=2)))
        axis = draw(st.integers(0, len(shape)))
        batched: tuple[Dim, ...] = (*shape[:axis], "batch", *shape[axis:])
        inputs.append(GraphTensor(taken, "float32", batched))
        outputs.append(GraphTensor(given_, "float32", batched))
        states[taken] = (given_, axis, shape)
    facts = GraphFacts(
        tuple(draw(st.permutations(inputs))), tuple(draw(st.permutations(outputs))), {}
    )
    return facts, states


@settings(deadline=None)
@given(meant())
def test_any_order_of_the_tensors_gives_the_same_states(
    made: tuple[GraphFacts, States],
) -> None:
    facts, states = made
    found = infer(facts, NOTHING)
    assert not found.problems
    signed = signature(found, NOTHING)
    assert states == {
        state.input.name: (state.output, state.input.batch_axis, state.input.shape)
        for state in signed.states
    }
    assert [spec.shape for spec in (*signed.inputs, *signed.outputs)] == [(3,), (2,)]


@settings(deadline=None)
@given(graphs)
def test_the_printed_toml_declares_what_was_inferred(facts: GraphFacts) -> None:
    found = infer(facts, NOTHING)
    text = starter(found, NOTHING)
    declared = Declaration.model_validate(tomllib.loads(text))
    again = infer(facts, declared)
    assert starter(again, declared) == text
    assert [problem.message for problem in again.problems] == [
        problem.message for problem in found.problems
    ]
