"""Finds the batch axis and the shape of one tensor after another, and notes what is in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from service.core.graph import Dim, GraphTensor
from service.repository.foreign import layout
from service.repository.foreign.declaration import (
    Declaration,
    DeclarationError,
    DeclaredState,
    DeclaredTensor,
)
from service.repository.foreign.problems import Problem, key, line
from service.repository.foreign.values import fits, shown


class Placed(NamedTuple):
    tensor: GraphTensor
    batch_axis: int | None
    """None while in doubt."""
    shape: tuple[Dim, ...]
    """One stream's; open dimensions are in doubt. Empty while the batch axis is in doubt."""


class Placing:
    def __init__(self, names: frozenset[str], one_row: bool, declared: Declaration) -> None:
        self.problems: list[Problem] = []
        self._names = names
        self._one_row = one_row
        self._declared = declared
        self._sizes: dict[Dim, int] = {}
        """Of named dimensions; a name stands for one size in the whole graph."""
        self._asked: set[Dim] = set()
        """Named dimensions whose size has been asked for."""

    def __call__(self, tensor: GraphTensor, part: str) -> Placed:
        said: DeclaredTensor | DeclaredState = getattr(self._declared, part).get(
            tensor.name, DeclaredTensor()
        )
        axis = said.batch_axis
        if axis is None:
            axis = layout.batch_axis(tensor, self._names, one_row=self._one_row)
        else:
            _check_axis(tensor, axis, key(part, tensor.name, "batch_axis"))
        place = key(part, tensor.name, "shape")
        if axis is None:
            self._ask_axis(tensor, part)
            return Placed(tensor, None, ())
        shape = layout.without(tensor.shape, axis)
        if said.shape is None:
            shape = tuple(self._sizes.get(dim, dim) for dim in shape)
            self._ask_shape(tensor, part, [shape])
            return Placed(tensor, axis, shape)
        if not fits(said.shape, shape):
            raise DeclarationError(
                place, f"{list(said.shape)} does not fit {shown(shape)}, the graph's"
            )
        named = zip(shape, said.shape, strict=True)
        self._sizes |= {dim: size for dim, size in named if isinstance(dim, str)}
        return Placed(tensor, axis, said.shape)

    def _ask_axis(self, tensor: GraphTensor, part: str) -> None:
        what = f"{part.removesuffix('s')} {tensor.name!r} is {tensor}"
        axes = layout.open_axes(tensor.shape)
        if not axes:
            self.problems.append(self._without_batch(tensor, part, what))
            return
        lines = tuple(line(str(axis), part, tensor.name, "batch_axis") for axis in axes)
        self.problems.append(
            Problem(f"{what}: which of its axes is the batch is not said", lines, choose=True)
        )
        if getattr(self._declared, part).get(tensor.name, DeclaredTensor()).shape is None:
            self._ask_shape(tensor, part, [layout.without(tensor.shape, axis) for axis in axes])

    def _without_batch(self, tensor: GraphTensor, part: str, what: str) -> Problem:
        lines: tuple[str, ...] = ()
        if part == "inputs":
            ones = [axis for axis, dim in enumerate(tensor.shape) if dim == 1]
            lines = (
                line("?", "constants", tensor.name),
                *(line(str(axis), "inputs", tensor.name, "batch_axis") for axis in ones),
            )
        elif part == "outputs":
            names = ", ".join(f'"{name}"' for name in (*self._declared.unserved, tensor.name))
            lines = (line(f"[{names}]", "unserved"),)
        return Problem(f"{what}, without an axis for the batch", lines, choose=len(lines) > 1)

    def _ask_shape(self, tensor: GraphTensor, part: str, shapes: Sequence[tuple[Dim, ...]]) -> None:
        """`shapes`: what it may be, each with open dimensions."""
        open_dims = {dim for shape in shapes for dim in shape if not isinstance(dim, int)}
        if open_dims <= self._asked:
            return
        self._asked |= open_dims - {None}
        texts = {shown([1 if layout.is_time(d) else _size(d) for d in shape]) for shape in shapes}
        text = texts.pop() if len(texts) == 1 else shown([None] * len(shapes[0]))
        self.problems.append(
            Problem(
                f"{part.removesuffix('s')} {tensor.name!r} is {tensor}: the sizes of its open axes "
                "beside the batch are not said, 1 for a time axis",
                (line(text, part, tensor.name, "shape"),),
            )
        )


def _check_axis(tensor: GraphTensor, axis: int, place: str) -> None:
    if axis >= len(tensor.shape):
        raise DeclarationError(place, f"{axis} lies beyond {tensor}, the graph's")
    if isinstance(tensor.shape[axis], int) and tensor.shape[axis] != 1:
        raise DeclarationError(
            place, f"axis {axis} of {tensor} has size {tensor.shape[axis]}, a batch has any or 1"
        )


def _size(dim: Dim) -> Dim:
    return dim if isinstance(dim, int) else None
