"""Graphs by the names and shapes of their tensors, and what is inferred of them."""

from __future__ import annotations

from service.core.graph import Dim, GraphFacts, GraphTensor
from service.core.model import Signature
from service.repository.foreign.declaration import Declaration
from service.repository.foreign.inference import infer, signature

Shape = tuple[Dim, ...]


def tensors(shapes: dict[str, Shape], dtype: str = "float32") -> tuple[GraphTensor, ...]:
    return tuple(GraphTensor(name, dtype, shape) for name, shape in shapes.items())


def facts(inputs: dict[str, Shape], outputs: dict[str, Shape]) -> GraphFacts:
    return GraphFacts(tensors(inputs), tensors(outputs), {})


def declared(**keys: object) -> Declaration:
    return Declaration.model_validate(keys)


def problems(found: GraphFacts, **keys: object) -> list[str]:
    return [str(problem) for problem in infer(found, declared(**keys)).problems]


def inferred(found: GraphFacts, **keys: object) -> Signature:
    declaration = declared(**keys)
    inference = infer(found, declaration)
    assert not inference.problems
    return signature(inference, declaration)


VECTOR: Shape = ("batch", 2)
GRU = facts(
    {"x": ("batch", 3), "h": (1, "batch", 4)}, {"y": ("batch", 2), "h_next": (1, "batch", 4)}
)
