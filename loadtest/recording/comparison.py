"""Recorded outputs and those of a replay, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from loadtest.recording.recording import Recorded
from loadtest.talkers.talker import Served
from stepwire.recording.v1 import recording_pb2 as rec
from stepwire.tensors import Array, Tensor
from stepwire.v1 import stream_pb2 as pb


class Difference(NamedTuple):
    """The first element that is not as it was."""

    output: str
    place: tuple[int, ...]
    """By the axes of the output."""
    recorded: Any
    replayed: Any

    def __str__(self) -> str:
        element = f"{self.output}{list(self.place)}" if self.place else self.output
        return f"{element} was {self.recorded!s} and is {self.replayed!s}"


@dataclass
class Result:
    """What became of a stream that is replayed."""

    recorded: Recorded
    steps: int
    """That were to be replayed."""
    equal: int = 0
    different: int = 0
    uncompared: int = 0
    """Answered, and the recording has no answer to compare with."""
    first: tuple[int, Difference] | None = None
    """The step that differs first."""
    served: Served | None = None
    """Who answers it."""
    failure: str | None = None
    """Why not all steps were answered."""

    @property
    def name(self) -> str:
        return self.recorded.begun.stream_id

    @property
    def unanswered(self) -> int:
        return self.steps - self.equal - self.different - self.uncompared

    def compared(self, step: int, difference: Difference | None) -> None:
        if difference is None:
            self.equal += 1
            return
        self.different += 1
        if self.first is None:
            self.first = (step, difference)


def tensors(recorded: Iterable[rec.Tensor]) -> list[Tensor]:
    return [Tensor(pb.TensorSpec(name=t.name, dtype=t.dtype, shape=t.shape)) for t in recorded]


def unlike(kind: str, recorded: Sequence[Tensor], served: Sequence[Tensor]) -> str | None:
    """What keeps a model from taking or giving what was recorded; names are free."""
    if [(each.dtype, each.shape) for each in recorded] == [
        (each.dtype, each.shape) for each in served
    ]:
        return None
    return f"its {kind} are {_listed(served)}, and those recorded {_listed(recorded)}"


def difference(
    outputs: Sequence[Tensor],
    recorded: Sequence[bytes],
    replayed: Sequence[bytes],
    atol: float | None,
) -> Difference | None:
    """`atol`: by how much numbers may differ; None: not by a bit."""
    for tensor, was, now in zip(outputs, recorded, replayed, strict=True):
        if was == now:
            continue
        before, after = tensor.decode(was), tensor.decode(now)
        wrong = _bits(before, after) if atol is None else _beyond(before, after, atol)
        if wrong.any():
            place = tuple(np.argwhere(wrong)[0].tolist())
            return Difference(tensor.name, place, before[place], after[place])
    return None


def _bits(before: Array, after: Array) -> Array:
    """Where the bits differ: 0 is not -0, and a NaN is what it was."""
    width = before.dtype.itemsize
    one, other = (
        np.frombuffer(each.tobytes(), np.uint8).reshape(*each.shape, width)
        for each in (before, after)
    )
    wrong: Array = (one != other).any(axis=-1)
    return wrong


def _beyond(before: Array, after: Array, atol: float) -> Array:
    if before.dtype.kind not in "fc":
        return np.abs(before.astype(np.float64) - after.astype(np.float64)) > atol
    return ~np.isclose(before, after, rtol=0.0, atol=atol, equal_nan=True)


def _listed(tensors: Sequence[Tensor]) -> str:
    return ", ".join(map(str, tensors))
