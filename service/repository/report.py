"""What `stepwire inspect` tells of a graph, as lines of plain text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from service.core.graph import GraphFacts
from service.core.model import Array, GoldenRun
from service.repository.foreign.declaration import Declaration
from service.repository.foreign.inference import Inference
from service.repository.foreign.placing import Placed
from service.repository.foreign.values import shown
from service.repository.manifest import Manifest, Tensor

Row = Sequence[str]


def of_graph(facts: GraphFacts) -> Iterator[str]:
    """The tensors as the file declares them; `?` is an open axis without a name."""
    yield "The graph"
    yield from table(
        [
            (kind, tensor.name, str(tensor))
            for kind, tensors in (("input", facts.inputs), ("output", facts.outputs))
            for tensor in tensors
        ]
    )


def of_inference(inferred: Inference, declared: Declaration) -> Iterator[str]:
    """What the tensors are taken for, then what is in doubt."""
    yield "What a stream of it has, shapes without the batch axis"
    yield from table(
        [
            *(("input", *_placed(placed)) for placed in inferred.inputs),
            *(("output", *_placed(placed)) for placed in inferred.outputs),
            *(
                (
                    "state",
                    *_placed(state.input),
                    f"from {state.output}",
                    _initial(declared, state.input.tensor.name),
                )
                for state in inferred.states
            ),
            *(
                ("constant", name, _array_kind(array), _short(array.tolist()))
                for name, array in inferred.constants.items()
            ),
            *(("constant", t.name, str(t), "in doubt") for t in inferred.asked_constants),
        ]
    )
    if inferred.fixed_batch:
        yield "  The graph takes one row: every stream runs by itself."
    if inferred.problems:
        yield ""
        yield "In doubt"
        for number, problem in enumerate(inferred.problems, 1):
            yield f"  {number}. {problem}"


def of_package(manifest: Manifest, golden: GoldenRun) -> Iterator[str]:
    yield "A package of Stepwire's own: it describes itself and needs no model.toml."
    yield ""
    yield "What a stream of it has, shapes without the batch axis"
    yield from table(
        [
            *(("input", *_tensor(tensor)) for tensor in manifest.inputs),
            *(("output", *_tensor(tensor)) for tensor in manifest.outputs),
            *(
                (
                    "state",
                    *_tensor(state.input),
                    f"from {state.output}",
                    "initial 0" if state.initial is None else "initial given",
                )
                for state in manifest.states
            ),
        ]
    )
    for tensor in (*manifest.inputs, *manifest.outputs):
        if tensor.features:
            yield ""
            yield f"Features of {tensor.name}"
            yield from table([(str(n), _short(name)) for n, name in enumerate(tensor.features)])
        if tensor.symbols:
            yield ""
            yield f"Symbols of {tensor.name}, {len(tensor.symbols)} from 0 on"
            yield from textwrap.wrap(
                " ".join(map(repr, tensor.symbols)),
                96,
                initial_indent="  ",
                subsequent_indent="  ",
                break_on_hyphens=False,
            )
    yield ""
    within = " and ".join(f"{atol:g}" for atol in dict.fromkeys(golden.atol))
    yield f"Golden run: {golden.steps} steps, within {within}"
    if manifest.training:
        yield ""
        yield "Training"
        yield from table([(key, _short(value)) for key, value in _flat(manifest.training)])


def table(rows: Sequence[Row]) -> Iterator[str]:
    """Columns aligned by spaces."""
    widths = [
        max(len(row[column]) for row in rows if column < len(row))
        for column in range(max(map(len, rows), default=0))
    ]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        yield f"  {'  '.join(cells)}".rstrip()


def _placed(placed: Placed) -> Row:
    name, dtype, _ = placed.tensor
    if placed.batch_axis is None:
        return name, str(placed.tensor), "batch axis in doubt"
    return name, f"{dtype}{shown(placed.shape)}", f"batch axis {placed.batch_axis}"


def _tensor(tensor: Tensor) -> Row:
    return tensor.name, f"{tensor.dtype}{list(tensor.shape)}", f"batch axis {tensor.batch_axis}"


def _initial(declared: Declaration, name: str) -> str:
    state = declared.states.get(name)
    return f"initial {_short(state.initial if state else 0)}"


def _array_kind(array: Array) -> str:
    return f"{array.dtype.name}{list(array.shape)}"


def _flat(values: Mapping[str, Any], *above: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, *above, key)
        else:
            yield ", ".join((*above, key)), value


def _short(value: Any) -> str:
    written = f"{value:.4g}" if isinstance(value, float) else str(value)
    plain = written if written.isprintable() else repr(written)[1:-1]
    return plain if len(plain) <= 60 else f"{plain[:57]}..."
