"""Which tensor of a graph is an input, an output, a state or a constant."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from service.core.graph import GraphFacts, GraphTensor
from service.repository.foreign.declaration import Declaration, DeclarationError
from service.repository.foreign.problems import Problem, key, line, text
from service.repository.foreign.states import Pair, agree, pair
from service.repository.manifest import DTYPES


class Roles(NamedTuple):
    inputs: tuple[GraphTensor, ...]
    outputs: tuple[GraphTensor, ...]
    states: tuple[Pair, ...]
    constants: tuple[GraphTensor, ...]
    problems: tuple[Problem, ...]


def assign(facts: GraphFacts, declared: Declaration) -> Roles:
    """Raises DeclarationError if the declaration and the graph contradict each other."""
    _check_names(facts, declared)
    constants = [t for t in facts.inputs if t.name in declared.constants or not t.shape]
    rest = [tensor for tensor in facts.inputs if tensor not in constants]
    states, problems = pair(rest, facts.outputs, declared)
    inputs = [tensor for tensor in rest if tensor not in [state.taken for state in states]]
    outputs = _outputs(facts.outputs, states, declared)
    if not problems:
        problems = _missing(inputs, outputs, states, facts, declared)
    problems += _unknown_dtypes([*facts.inputs, *outputs])
    return Roles(tuple(inputs), tuple(outputs), tuple(states), tuple(constants), tuple(problems))


def _check_names(facts: GraphFacts, declared: Declaration) -> None:
    inputs = {tensor.name: tensor for tensor in facts.inputs}
    outputs = {tensor.name for tensor in facts.outputs}
    for part in ("inputs", "states", "constants"):
        names: Collection[str] = getattr(declared, part)
        _check_known(names, inputs, part, "input")
        for name in names:
            if part != "constants" and not inputs[name].shape:
                reason = "it has no axis for the batch, so that it can only be a constant"
                raise DeclarationError(key(part, name), reason)
    _check_known(declared.outputs, outputs, "outputs", "output")
    for name in declared.unserved:
        if name not in outputs or name in declared.outputs:
            reason = "among the outputs below" if name in outputs else "no output of the graph"
            raise DeclarationError("unserved", f"{name!r} is {reason}")
    _check_one_role(declared)


def _check_known(names: Iterable[str], found: Collection[str], part: str, kind: str) -> None:
    for name in names:
        if name not in found:
            there = ", ".join(sorted(found)) or "none"
            raise DeclarationError(
                key(part, name), f"the graph has no such {kind}, its {kind}s are {there}"
            )


def _check_one_role(declared: Declaration) -> None:
    if declared.memoryless and declared.states:
        raise DeclarationError("memoryless", "true, and there are states")
    for name in declared.constants:
        if name in declared.inputs or name in declared.states:
            raise DeclarationError(key("constants", name), "it is an input or a state as well")
    for name in declared.states:
        if name in declared.inputs:
            raise DeclarationError(key("states", name), "it is an input as well")


def _outputs(
    outputs: Sequence[GraphTensor], states: Sequence[Pair], declared: Declaration
) -> list[GraphTensor]:
    """What a client gets: what renews no state; if there is no such output, the new states."""
    renewing = {state.given.name for state in states}
    served = [output for output in outputs if output.name not in declared.unserved]
    others = [o for o in served if o.name not in renewing or o.name in declared.outputs]
    return others or served


def _missing(
    inputs: Sequence[GraphTensor],
    outputs: Sequence[GraphTensor],
    states: Sequence[Pair],
    facts: GraphFacts,
    declared: Declaration,
) -> list[Problem]:
    problems = []
    if not inputs:
        problems.append(_nothing_sent(states, declared))
    if not outputs:
        problems.append(Problem("the graph has no output to serve"))
    if inputs and not states and not declared.memoryless:
        problems.append(_nothing_kept(inputs, facts, declared))
    return problems


def _nothing_sent(states: Sequence[Pair], declared: Declaration) -> Problem:
    inferred = [state for state in states if state.taken.name not in declared.states]
    return Problem(
        "every input is a state or a constant, none is left for clients to send",
        tuple(line("{}", "inputs", state.taken.name) for state in inferred),
        choose=True,
        roles=tuple(tensor.name for state in inferred for tensor in state),
    )


def _nothing_kept(
    inputs: Sequence[GraphTensor], facts: GraphFacts, declared: Declaration
) -> Problem:
    pairs = [
        Pair(taken, given)
        for taken in inputs
        for given in facts.outputs
        if agree(taken, given) and taken.name not in declared.inputs
    ]
    lines = [line(text(pair.given.name), "states", pair.taken.name, "output") for pair in pairs]
    return Problem(
        "no input is a state by its name, nor is the graph declared to have none",
        ("memoryless = true", *lines),
        choose=True,
        roles=tuple(tensor.name for pair in pairs for tensor in pair),
    )


def _unknown_dtypes(tensors: Sequence[GraphTensor]) -> list[Problem]:
    return [
        Problem(f"{tensor.name!r} is {tensor.dtype}, which streams do not carry")
        for tensor in tensors
        if tensor.dtype not in DTYPES
    ]
