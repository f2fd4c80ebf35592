"""What a foreign graph is to the service: inferred where there is no doubt, else asked for.

Nothing here runs the graph: names, dtypes and shapes decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pydantic import ValidationError

from service.core.graph import GraphFacts, GraphTensor
from service.core.model import Array, Signature, StateSpec, TensorSpec
from service.repository.foreign import layout, roles
from service.repository.foreign.declaration import (
    Declaration,
    DeclarationError,
    DeclaredState,
    DeclaredTensor,
)
from service.repository.foreign.placing import Placed, Placing
from service.repository.foreign.problems import Problem, key, line
from service.repository.foreign.states import Pair
from service.repository.foreign.values import array_of
from service.repository.manifest import DTYPES, Tensor


class PlacedState(NamedTuple):
    input: Placed
    output: str


class Inference(NamedTuple):
    inputs: tuple[Placed, ...]
    outputs: tuple[Placed, ...]
    states: tuple[PlacedState, ...]
    constants: dict[str, Array]
    asked_constants: tuple[GraphTensor, ...]
    """Constants without a value."""
    fixed_batch: bool
    problems: tuple[Problem, ...]


def infer(facts: GraphFacts, declared: Declaration) -> Inference:
    """Raises DeclarationError if the declaration and the graph contradict each other."""
    found = roles.assign(facts, declared)
    kept = [_renewed(pair) for pair in found.states]
    one_row = _takes_one_row(found.inputs, kept)
    place = Placing(layout.batch_names([*found.inputs, *kept], one_row=one_row), one_row, declared)
    inputs = tuple(place(tensor, "inputs") for tensor in found.inputs)
    states = tuple(
        PlacedState(place(tensor, "states"), pair.given.name)
        for tensor, pair in zip(kept, found.states, strict=True)
    )
    outputs = tuple(place(tensor, "outputs") for tensor in found.outputs)
    asked = tuple(t for t in found.constants if t.name not in declared.constants)
    return Inference(
        inputs,
        outputs,
        states,
        {
            tensor.name: _constant(tensor, declared)
            for tensor in found.constants
            if tensor not in asked and tensor.dtype in DTYPES
        },
        asked,
        declared.fixed_batch
        or any(_is_one_row(placed) for placed in (*inputs, *(state.input for state in states))),
        (*found.problems, *map(_ask_constant, asked), *place.problems),
    )


def signature(inferred: Inference, declared: Declaration) -> Signature:
    """Of an inference without problems. Raises DeclarationError."""
    none = DeclaredTensor()
    return Signature(
        inputs=tuple(
            _spec(placed, declared.inputs.get(placed.tensor.name, none), "inputs")
            for placed in inferred.inputs
        ),
        outputs=tuple(
            _spec(placed, declared.outputs.get(placed.tensor.name, none), "outputs")
            for placed in inferred.outputs
        ),
        states=tuple(_state_spec(state, declared) for state in inferred.states),
        fixed_batch=inferred.fixed_batch,
        takes_non_finite=declared.takes_non_finite,
    )


def _renewed(pair: Pair) -> GraphTensor:
    """The state with what its two ends know of its shape together."""
    taken, given = pair
    if len(taken.shape) != len(given.shape):
        return taken
    return taken._replace(shape=layout.merged(taken.shape, given.shape))


def _takes_one_row(inputs: Sequence[GraphTensor], states: Sequence[GraphTensor]) -> bool:
    if states:
        return any(not layout.open_axes(state.shape) for state in states)
    return all(not layout.open_axes(tensor.shape) for tensor in inputs)


def _is_one_row(placed: Placed) -> bool:
    axis = placed.batch_axis
    return axis is not None and isinstance(placed.tensor.shape[axis], int)


def _ask_constant(tensor: GraphTensor) -> Problem:
    return Problem(
        f"input {tensor.name!r} is {tensor}, without any axis, and can only be a constant",
        (line("?", "constants", tensor.name),),
    )


def _constant(tensor: GraphTensor, declared: Declaration) -> Array:
    try:
        return array_of(declared.constants[tensor.name], tensor.dtype, tensor.shape)
    except ValueError as error:
        raise DeclarationError(key("constants", tensor.name), str(error)) from error


def _spec(placed: Placed, said: DeclaredTensor, part: str) -> TensorSpec:
    name, dtype, _ = placed.tensor
    assert placed.batch_axis is not None
    try:
        return Tensor(
            name=name,
            dtype=dtype,
            shape=tuple(size for size in placed.shape if isinstance(size, int)),
            batch_axis=placed.batch_axis,
            features=said.features,
            symbols=said.symbols,
        ).spec()
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise DeclarationError(key(part, name), reason) from error


def _state_spec(state: PlacedState, declared: Declaration) -> StateSpec:
    spec = _spec(state.input, DeclaredTensor(), "states")
    said = declared.states.get(spec.name, DeclaredState())
    try:
        initial = array_of(said.initial, spec.dtype.name, spec.shape)
    except ValueError as error:
        raise DeclarationError(key("states", spec.name, "initial"), str(error)) from error
    return StateSpec(spec, state.output, initial)
