"""Templates: of requests that differ in their ids and contents alone, one is parsed.

A client writes its fields in the order of their numbers, as protobuf's own libraries do: what
names the model, the id, what describes the timestep, the contents. A request that is written
otherwise matches nothing, and is parsed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from weakref import ref

from service.api.inference.replies import ReplyForm, varint
from service.core.streams import StreamKey
from service.lanes.lane import Lane
from stepwire.inference import inference_pb2 as pb

_ID, _CONTENTS = 0x1A, b"\x3a"
"""Tags of ModelInferRequest: `id`, `raw_input_contents`."""
_ONE_BYTE = 0x80
"""Lengths below it are written in one byte."""
_KEPT = 4096


class _Cut(NamedTuple):
    """Where the contents of an input are, from the first tag of all contents on."""

    tag: bytes
    at: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Template:
    """A timestep of a sequence that neither starts nor ends with it."""

    key: StreamKey
    model: str
    version: int | None
    lane: ref[Lane]
    """Whose tensors it fits."""
    form: ReplyForm


class Match(NamedTuple):
    template: Template
    id: bytes
    inputs: tuple[bytes, ...]
    """In signature order."""


class Templates:
    """Of one call."""

    def __init__(self) -> None:
        self._prefix = b""
        """What names the model."""
        self._tail = 0
        """Bytes of all contents, with their tags."""
        self._known: dict[bytes, tuple[Template, Sequence[_Cut]]] = {}
        """By what describes the timestep."""

    def match(self, data: bytes) -> Match | None:
        """What a serialised ModelInferRequest says, if one like it is known."""
        prefix = self._prefix
        start, tail = len(prefix), len(data) - self._tail
        if not self._known or tail < start + 2 or not data.startswith(prefix):
            return None
        id_ = b""
        if data[start] == _ID:
            size = data[start + 1]
            start += 2 + size
            id_ = data[start - size : start]
            if size >= _ONE_BYTE or not id_.isascii():
                return None
        known = self._known.get(data[start:tail])
        if known is None:
            return None
        template, cuts = known
        inputs = []
        for tag, at, begin, end in cuts:
            if not data.startswith(tag, tail + at):
                return None
            inputs.append(data[tail + begin : tail + end])
        return Match(template, id_, tuple(inputs))

    def learn(
        self, data: bytes, message: pb.ModelInferRequest, places: Sequence[int], template: Template
    ) -> None:
        """`message`: what `data` says. `places`: of its inputs in the signature."""
        head = pb.ModelInferRequest(
            model_name=message.model_name, model_version=message.model_version
        )
        prefix = head.SerializeToString()
        id_ = pb.ModelInferRequest(id=message.id).SerializeToString()
        contents = pb.ModelInferRequest(raw_input_contents=message.raw_input_contents)
        tail = contents.SerializeToString()
        middle = data[len(prefix) + len(id_) : len(data) - len(tail)]
        if data != b"".join((prefix, id_, middle, tail)) or not _describes_only(middle):
            return
        if (prefix, len(tail)) != (self._prefix, self._tail) or len(self._known) >= _KEPT:
            self._known.clear()
            self._prefix, self._tail = prefix, len(tail)
        self._known[middle] = template, _cuts(message.raw_input_contents, places)


def _describes_only(middle: bytes) -> bool:
    """Whether it has neither model, nor id, nor contents."""
    message = pb.ModelInferRequest.FromString(middle)
    return not (
        message.model_name or message.model_version or message.id or message.raw_input_contents
    )


def _cuts(contents: Sequence[bytes], places: Sequence[int]) -> list[_Cut]:
    """In signature order."""
    cuts, at = {}, 0
    for place, data in zip(places, contents, strict=True):
        tag = _CONTENTS + varint(len(data))
        start = at + len(tag)
        cuts[place] = _Cut(tag, at, start, start + len(data))
        at = start + len(data)
    return [cuts[place] for place in sorted(cuts)]
