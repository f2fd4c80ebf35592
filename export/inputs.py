"""The inputs of a user's module: their dtypes and shapes, and realistic values for them.

What is not declared is found by trial: of the sizes that the module's layers take, the one with
which it runs. If several do, or none, the user is asked.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor, nn

from export.source import ExportRefused
from export.tensors import dtype_of
from export.user_code import told
from service.repository import manifest

DECLARED = re.compile(r"(?P<name>\w+)=(?P<dtype>\w+)\[(?P<shape>[\d, ]*)\]")
TRIALS = 64
"""So many combinations of sizes are tried at most."""


class Trial(Protocol):
    """A module in one of the two forms, before its shapes are known."""

    @property
    def module(self) -> nn.Module: ...

    @property
    def input_names(self) -> tuple[str, ...]: ...

    @property
    def leading(self) -> tuple[int, ...]:
        """The axes in front of an input's own, of a size to try with."""

    def run(self, inputs: Sequence[Tensor]) -> object:
        """Once, each input [*leading, *shape]. Raises what the module raises."""


def declared(text: str) -> manifest.Tensor:
    """Reads `x=float32[3]`. Raises ExportRefused."""
    parts = DECLARED.fullmatch(text.strip())
    try:
        if not parts:
            raise ValueError("its form is wrong")
        sizes = [int(size) for size in parts["shape"].split(",") if size.strip()]
        return manifest.Tensor(name=parts["name"], dtype=parts["dtype"], shape=tuple(sizes))
    except ValueError as error:
        raise ExportRefused(
            f"--input {text!r}: write the name, dtype and shape of one timestep, such as "
            f"x=float32[3] or symbol=int64[] (dtypes: {', '.join(manifest.DTYPES)})"
        ) from error


def settled(trial: Trial, known: Mapping[str, manifest.Tensor]) -> tuple[manifest.Tensor, ...]:
    """The inputs in order; `known` are those that need not be found. Raises ExportRefused."""
    for name in known:
        if name not in trial.input_names:
            raise ExportRefused(
                f"there is no input {name!r}: the module takes {', '.join(trial.input_names)}"
            )
    if len(known) == len(trial.input_names):
        return tuple(known[name] for name in trial.input_names)
    return _found(trial, known)


def _found(trial: Trial, known: Mapping[str, manifest.Tensor]) -> tuple[manifest.Tensor, ...]:
    sizes = _sizes(trial.module)
    choices = [
        [known[name]]
        if name in known
        else [size.model_copy(update={"name": name}) for size in sizes]
        for name in trial.input_names
    ]
    unknown = " ".join(f"--input '{n}=float32[SIZE]'" for n in trial.input_names if n not in known)
    if math.prod(map(len, choices)) > TRIALS:
        raise ExportRefused(f"there are too many inputs and sizes to try: add {unknown}")
    fitting, fault = [], ""
    for tensors in itertools.product(*choices):
        try:
            with torch.no_grad():
                trial.run(zeros(tensors, trial.leading))
        except (Exception, SystemExit) as error:
            fault = f"; with {written(tensors)} it raises {told(error)}"
        else:
            fitting.append(tensors)
    if not fitting:
        raise ExportRefused(
            f"no size that a layer of the module takes fits its input: add {unknown}{fault}"
        )
    if len(fitting) > 1:
        raise ExportRefused(
            f"the input could be {' or '.join(written(tensors) for tensors in fitting)}: "
            f"add {unknown}"
        )
    return fitting[0]


def _sizes(module: nn.Module) -> list[manifest.Tensor]:
    """What the layers of the module take, each once."""
    found: dict[tuple[str, tuple[int, ...]], None] = {}
    for layer in module.modules():
        match layer:
            case nn.Embedding():
                found["int64", ()] = None
            case nn.Linear():
                found[dtype_of(layer.weight), (layer.in_features,)] = None
            case nn.RNNBase() | nn.RNNCellBase():
                found[dtype_of(next(layer.parameters())), (layer.input_size,)] = None
            case nn.LayerNorm():
                dtype = dtype_of(layer.weight) if layer.elementwise_affine else "float32"
                found[dtype, tuple(layer.normalized_shape)] = None
    return [manifest.Tensor(name="", dtype=dtype, shape=shape) for dtype, shape in found]


def zeros(tensors: Sequence[manifest.Tensor], leading: tuple[int, ...]) -> list[Tensor]:
    return [
        torch.zeros((*leading, *tensor.shape), dtype=getattr(torch, tensor.dtype))
        for tensor in tensors
    ]


def written(tensors: Sequence[manifest.Tensor]) -> str:
    """As on the command line: `x=float32[3]`."""
    return ", ".join(f"{t.name}={t.dtype}[{','.join(map(str, t.shape))}]" for t in tensors)


def symbol_counts(trial: Trial, tensors: Sequence[manifest.Tensor]) -> dict[str, int]:
    """How many symbols the embedding knows that an input goes to, by the input's name.

    An input that goes to embeddings of different sizes is left out: each of its numbers may have
    another range.
    """
    inputs = zeros(tensors, trial.leading)
    owners = {
        values.untyped_storage().data_ptr(): tensor.name
        for tensor, values in zip(tensors, inputs, strict=True)
        if math.prod(values.shape)
    }
    counts: defaultdict[str, set[int]] = defaultdict(set)
    with torch.no_grad(), _watched(trial.module, owners, counts):
        trial.run(inputs)
    return {name: min(sizes) for name, sizes in counts.items() if len(sizes) == 1}


@contextmanager
def _watched(
    module: nn.Module, owners: Mapping[int, str], counts: Mapping[str, set[int]]
) -> Iterator[None]:
    def look(layer: nn.Module, args: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, nn.Embedding)
        name = owners.get(args[0].untyped_storage().data_ptr()) if args else None
        if name is not None:
            counts[name].add(layer.num_embeddings)

    handles = [
        layer.register_forward_pre_hook(look)
        for layer in module.modules()
        if isinstance(layer, nn.Embedding)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
