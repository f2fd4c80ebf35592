"""Templates: of requests that differ in their ids and contents alone, one is parsed.

A client writes its fields in the order of their numbers, as protobuf's own libraries do: what
names the model, the id, what describes the timestep, the contents. A request that is written
otherwise matches nothing, and is parsed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from weakref import ref

from service.api.inference.replies import ReplyForm
from service.api.varint import varint
from service.core.streams import StreamKey
from service.lanes.lane import Lane
from stepwire.inference import inference_pb2 as pb

_ID, _CONTENTS = 0x1A, b"\x3a"
"""Tags of ModelInferRequest: `id`, `raw_input_contents`."""
_ONE_BYTE = 0x80
"""Lengths below it are written in one byte."""
_KEPT, _MODELS = 1024, 8
"""Templates of a model, and models."""
_LONGEST = 1024
"""Bytes of what describes a timestep: a client may put its own into it."""


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


class _Known:
    """Of one model and version."""

    def __init__(self, tail: int) -> None:
        self.tail = tail
        """Bytes of all contents, with their tags."""
        self.templates: OrderedDict[bytes, tuple[Template, Sequence[_Cut]]] = OrderedDict()
        """By what describes the timestep; the oldest first."""


class Templates:
    """Of one call."""

    def __init__(self) -> None:
        self._models: dict[bytes, _Known] = {}
        """By what names the model."""
        self._learned = self._matched = 0

    def match(self, data: bytes) -> Match | None:
        """What a serialised ModelInferRequest says, if one like it is known."""
        for prefix, known in self._models.items():
            if data.startswith(prefix):
                match = _matched(data, len(prefix), known)
                if match:
                    self._matched += 1
                    return match
        return None

    def learn(
        self, data: bytes, message: pb.ModelInferRequest, places: Sequence[int], template: Template
    ) -> None:
        """`message`: what `data` says. `places`: of its inputs in the signature."""
        if self._learned > _KEPT + self._matched:
            return  # its requests are too different to be worth it
        head = pb.ModelInferRequest(
            model_name=message.model_name, model_version=message.model_version
        )
        prefix = head.SerializeToString()
        id_ = pb.ModelInferRequest(id=message.id).SerializeToString()
        contents = pb.ModelInferRequest(raw_input_contents=message.raw_input_contents)
        tail = contents.SerializeToString()
        middle = data[len(prefix) + len(id_) : len(data) - len(tail)]
        if len(middle) > _LONGEST or data != b"".join((prefix, id_, middle, tail)):
            return
        if _describes_only(middle):
            cuts = _cuts(message.raw_input_contents, places)
            self._keep(prefix, len(tail), middle, (template, cuts))

    def _keep(
        self, prefix: bytes, tail: int, middle: bytes, kept: tuple[Template, Sequence[_Cut]]
    ) -> None:
        known = self._models.get(prefix)
        if known is None or known.tail != tail:
            if len(self._models) >= _MODELS:
                self._models.clear()
            known = self._models[prefix] = _Known(tail)
        self._learned += 1
        known.templates[middle] = kept
        if len(known.templates) > _KEPT:
            known.templates.popitem(last=False)


def _matched(data: bytes, start: int, known: _Known) -> Match | None:
    """`start`: where what names the model ends."""
    tail, id_ = len(data) - known.tail, b""
    if tail < start + 2:
        return None
    if data[start] == _ID:
        size = data[start + 1]
        start += 2 + size
        id_ = data[start - size : start]
        if size >= _ONE_BYTE or not id_.isascii():
            return None
    found = known.templates.get(data[start:tail])
    if found is None:
        return None
    template, cuts = found
    inputs = []
    for tag, at, begin, end in cuts:
        if not data.startswith(tag, tail + at):
            return None
        inputs.append(data[tail + begin : tail + end])
    return Match(template, id_, tuple(inputs))


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
