"""A `model.toml` to start from: what is known as lines, what is in doubt as comments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from service.repository.foreign.declaration import Declaration
from service.repository.foreign.inference import Inference
from service.repository.foreign.placing import Placed
from service.repository.foreign.problems import Problem, line, text


def starter(inferred: Inference, declared: Declaration) -> str:
    """Declares all that was inferred, so that nothing depends on names any longer."""
    groups = [
        [line(_value(value), *keys) for keys, value in _leaves(part)]
        for part in _parts(inferred, declared)
    ]
    groups += [list(_comment(problem)) for problem in inferred.problems]
    return "\n\n".join("\n".join(group) for group in groups if group) + "\n"


def _parts(inferred: Inference, declared: Declaration) -> Iterator[Mapping[str, Any]]:
    in_doubt = {name for problem in inferred.problems for name in problem.roles}
    said = declared.model_dump(exclude_defaults=True)
    yield {
        **{key: said[key] for key in ("memoryless", "takes_non_finite", "unserved") if key in said},
        **({"fixed_batch": True} if inferred.fixed_batch else {}),
    }
    known = {
        "inputs": {placed.tensor.name: _known(placed) for placed in inferred.inputs},
        "outputs": {placed.tensor.name: _known(placed) for placed in inferred.outputs},
        "states": {
            state.input.tensor.name: {"output": state.output, **_known(state.input), "initial": 0}
            for state in inferred.states
        },
    }
    for part, tensors in known.items():
        declared_part = said.get(part, {})
        certain = {name: keys for name, keys in tensors.items() if name not in in_doubt}
        merged = {name: keys | declared_part.get(name, {}) for name, keys in certain.items()}
        yield {part: declared_part | merged}
    yield {"constants": said.get("constants", {})}
    yield {"golden": said.get("golden", {})}


def _known(placed: Placed) -> dict[str, Any]:
    if placed.batch_axis is None:
        return {}
    sizes = [size for size in placed.shape if isinstance(size, int)]
    shape = {"shape": sizes} if len(sizes) == len(placed.shape) else {}
    return {**shape, "batch_axis": placed.batch_axis}


def _leaves(part: Mapping[str, Any], *above: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in part.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, *above, key)
        else:
            yield (*above, key), value


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return text(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    return repr(value)


def _comment(problem: Problem) -> Iterator[str]:
    yield f"# In doubt: {' '.join(problem.message.split())}"
    if problem.choose:
        yield "# Keep what is right of these lines:"
    yield from (f"# {one}" for one in problem.lines)
