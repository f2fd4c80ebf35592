"""The tensors of a graph file as the file itself declares them."""

from __future__ import annotations

from typing import NamedTuple

Dim = int | str | None
"""A size, the name of one that is open, or None for an open one without a name."""


class GraphTensor(NamedTuple):
    name: str
    dtype: str
    """NumPy's name of it; ONNX Runtime's where NumPy has none."""
    shape: tuple[Dim, ...]
    """With the batch axis."""

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join('?' if dim is None else str(dim) for dim in self.shape)}]"


class GraphFacts(NamedTuple):
    """All that is known of a graph file before it runs."""

    inputs: tuple[GraphTensor, ...]
    outputs: tuple[GraphTensor, ...]
    metadata: dict[str, str]
    """The file's `metadata_props`."""
