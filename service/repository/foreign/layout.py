"""Where a tensor of a graph has its batch axis, and what one stream's share of it looks like."""

from __future__ import annotations

import re
from collections.abc import Sequence

from service.core.graph import Dim, GraphTensor

_BATCH = re.compile(r"n|b|bs|bsz|(.*[\W_])?batch(size)?([\W_].*)?", re.IGNORECASE)
_TIME = re.compile(
    r"t|(.*[\W_])?(time|seq|sequence|frames?|steps?|length)([\W_].*)?", re.IGNORECASE
)


def open_axes(shape: Sequence[Dim]) -> list[int]:
    return [axis for axis, dim in enumerate(shape) if not isinstance(dim, int)]


def batch_names(tensors: Sequence[GraphTensor], *, one_row: bool) -> frozenset[str]:
    """Names of open dimensions that stand for the batch.

    Those that say so and, where the batch is open, any that is the only open dimension of a
    tensor and not a time.
    """
    found = set()
    for tensor in tensors:
        names = [dim for dim in tensor.shape if isinstance(dim, str)]
        found |= {name for name in names if _BATCH.fullmatch(name)}
        if not one_row and names and len(open_axes(tensor.shape)) == 1 and not is_time(names[0]):
            found.add(names[0])
    return frozenset(found)


def batch_axis(tensor: GraphTensor, names: frozenset[str], *, one_row: bool) -> int | None:
    """None if there is doubt. `one_row`: the graph takes one row only.

    A lone row lies in memory the same along any axis of size 1, so that the first will do.
    """
    axes = open_axes(tensor.shape)
    named = [axis for axis in axes if tensor.shape[axis] in names]
    if len(named) == 1:
        return named[0]
    if one_row and 1 in tensor.shape:
        return tensor.shape.index(1)
    untimed = [axis for axis in axes if not is_time(tensor.shape[axis])]
    return untimed[0] if len(untimed) == 1 and not named else None


def is_time(dim: Dim) -> bool:
    return isinstance(dim, str) and _TIME.fullmatch(dim) is not None


def without(shape: Sequence[Dim], axis: int) -> tuple[Dim, ...]:
    return (*shape[:axis], *shape[axis + 1 :])


def merged(some: Sequence[Dim], others: Sequence[Dim]) -> tuple[Dim, ...]:
    """Of two declarations of one shape the sizes that either knows."""
    return tuple(
        a if isinstance(a, int) else b if isinstance(b, int) else a
        for a, b in zip(some, others, strict=True)
    )
