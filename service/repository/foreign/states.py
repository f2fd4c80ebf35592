"""Which inputs of a graph are states, and which outputs renew them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from service.core.graph import GraphTensor
from service.repository.foreign.declaration import Declaration, DeclarationError
from service.repository.foreign.pairing import Match, match
from service.repository.foreign.problems import Problem, key, line, text


class Pair(NamedTuple):
    taken: GraphTensor
    """The input that takes the state."""
    given: GraphTensor
    """The output that renews it."""


def pair(
    inputs: Sequence[GraphTensor], outputs: Sequence[GraphTensor], declared: Declaration
) -> tuple[list[Pair], list[Problem]]:
    """Pairs as declared, the rest by name where exactly one pair of names fits.

    Raises DeclarationError.
    """
    if declared.memoryless:
        return [], []
    chosen = _declared(outputs, declared)
    free = [output for output in outputs if output not in chosen.values()]
    asked = [t for t in inputs if t.name not in declared.inputs and t.name not in chosen]
    candidates = {tensor.name: _candidates(tensor, free) for tensor in asked}
    problems = [
        _taken(tensor, output, by)
        for tensor in asked
        for by, output in chosen.items()
        if match(tensor.name, output.name) is Match.SURE and tensor.name not in declared.states
    ]
    for tensor in asked:
        found = candidates[tensor.name]
        if doubt := _doubt(tensor, candidates, is_state=tensor.name in declared.states):
            problems.append(doubt)
        elif found:
            chosen[tensor.name] = found[0]
    pairs = [Pair(tensor, chosen[tensor.name]) for tensor in inputs if tensor.name in chosen]
    problems += [_unequal(found, declared) for found in pairs if not agree(*found)]
    return pairs, problems


def _declared(outputs: Sequence[GraphTensor], declared: Declaration) -> dict[str, GraphTensor]:
    by_name = {output.name: output for output in outputs}
    chosen: dict[str, GraphTensor] = {}
    for name, state in declared.states.items():
        if state.output is None:
            continue
        place = key("states", name, "output")
        if state.output not in by_name:
            raise DeclarationError(
                place, f"the graph has no output {state.output!r}, only {', '.join(by_name)}"
            )
        if by_name[state.output] in chosen.values():
            raise DeclarationError(place, f"{state.output!r} renews another state already")
        chosen[name] = by_name[state.output]
    return chosen


def _candidates(tensor: GraphTensor, outputs: Sequence[GraphTensor]) -> list[GraphTensor]:
    """Outputs whose names and shapes fit; failing that, those whose names surely do."""
    fitting = [output for output in outputs if match(tensor.name, output.name)]
    agreeing = [output for output in fitting if agree(tensor, output)]
    return agreeing or [o for o in fitting if match(tensor.name, o.name) is Match.SURE]


def _doubt(
    tensor: GraphTensor, candidates: Mapping[str, Sequence[GraphTensor]], *, is_state: bool
) -> Problem | None:
    found, name = candidates[tensor.name], tensor.name
    if not found:
        if not is_state:
            return None
        asked = line(text("?"), "states", name, "output")
        return Problem(f"no output renews state {name!r} by its name", (asked,), roles=(name,))
    rivals = [other for other, theirs in candidates.items() if found[0] in theirs]
    if len(found) > 1:
        why = f"either of {_listed(found)} may renew it"
    elif len(rivals) > 1:
        why = f"{found[0].name!r} may renew either of {', '.join(map(repr, rivals))}"
    elif not is_state and match(name, found[0].name) is Match.MAYBE:
        why = f"it may be a state that {found[0].name!r} renews, or what a client sends"
    else:
        return None
    lines = [line(text(output.name), "states", name, "output") for output in found]
    if not is_state:
        lines.append(line("{}", "inputs", name))
    roles = (name, *(output.name for output in found))
    return Problem(f"input {name!r}: {why}", tuple(lines), choose=True, roles=roles)


def _taken(tensor: GraphTensor, output: GraphTensor, by: str) -> Problem:
    return Problem(
        f"input {tensor.name!r}: {output.name!r}, which by its name renews it, renews {by!r}",
        (line(text("?"), "states", tensor.name, "output"), line("{}", "inputs", tensor.name)),
        choose=True,
        roles=(tensor.name,),
    )


def agree(taken: GraphTensor, given: GraphTensor) -> bool:
    """Open dimensions agree with any."""
    return (
        taken.dtype == given.dtype
        and len(taken.shape) == len(given.shape)
        and all(
            a == b
            for a, b in zip(taken.shape, given.shape, strict=True)
            if isinstance(a, int) and isinstance(b, int)
        )
    )


def _unequal(pair: Pair, declared: Declaration) -> Problem:
    taken, given = pair
    message = (
        f"state {taken.name!r} is {taken} and {given.name!r}, which renews it, is {given}: "
        "a state keeps its dtype and shape"
    )
    if taken.name in declared.states:
        return Problem(message, roles=(taken.name, given.name))
    as_input = line("{}", "inputs", taken.name)
    return Problem(f"{message}; if it is an input", (as_input,), roles=(taken.name, given.name))


def _listed(tensors: Sequence[GraphTensor]) -> str:
    return ", ".join(repr(tensor.name) for tensor in tensors)
