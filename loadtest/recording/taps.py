"""What is read from the calls that pass: their streams, steps and answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import numpy as np

from loadtest.recording.register import Part, Register
from stepwire import packing
from stepwire.tensors import Signature
from stepwire.v1 import stream_pb2 as pb

_HANDLE, _NUMBER = np.dtype("<u4"), np.dtype("<u8")
_SERVICE = "/stepwire.v1.StreamInference"


class Tap(Protocol):
    """One call. Times in microseconds of the recording. Messages may be anything."""

    def said(self, message: bytes, at: int) -> None:
        """By the client, before the server has it."""

    def heard(self, message: bytes, at: int) -> None:
        """From the server, before the client has it."""

    def ended(self, error: str) -> None:
        """`error`: by its name, or empty."""


class StreamTap:
    """A call of one stream."""

    def __init__(self, register: Register) -> None:
        self._register = register
        self._mode: pb.OpenMode.ValueType = pb.OPEN_MODE_UNSPECIFIED
        self._part: Part | None = None

    def said(self, message: bytes, at: int) -> None:
        request = pb.StreamRequest.FromString(message)
        if request.HasField("open"):
            self._mode = request.open.mode
        elif request.HasField("step") and self._part:
            self._part.asked(request.step.step, request.step.inputs, at)

    def heard(self, message: bytes, at: int) -> None:
        response = pb.StreamResponse.FromString(message)
        event = response.WhichOneof("event")
        if event == "opened":
            self._part = self._register.opened(self._mode, response.opened, at)
        elif event == "output" and self._part:
            self._part.answered(response.output, at)
        elif event == "error" and self._part:
            self._part.refused(response.error, at)

    def ended(self, error: str) -> None:
        if self._part:
            self._part.ended(error)


class _Member(NamedTuple):
    part: Part
    sizes: list[int]
    """Bytes of each input of a step."""


class FleetTap:
    """A call of many streams."""

    def __init__(self, register: Register) -> None:
        self._register = register
        self._modes: dict[int, pb.OpenMode.ValueType] = {}
        self._members: dict[int, _Member] = {}

    def said(self, message: bytes, at: int) -> None:
        request = pb.FleetRequest.FromString(message)
        for member in request.open.members:
            self._modes[member.tag] = member.open.mode
        for handle, step, inputs in self._steps(request.steps):
            self._members[handle].part.asked(step, inputs, at)

    def heard(self, message: bytes, at: int) -> None:
        response = pb.FleetResponse.FromString(message)
        event = response.WhichOneof("event")
        if event == "outputs":
            for handle, answer in packing.outputs(response.outputs):
                if member := self._members.get(handle):
                    member.part.answered(answer.output, at)
        elif event == "errors":
            for refused in response.errors.errors:
                if member := self._members.get(refused.handle):
                    member.part.refused(refused.error, at)
        elif event == "opened":
            for opened in response.opened.members:
                self._opened(opened, at)
        elif event == "left" and (member := self._members.pop(response.left.handle, None)):
            member.part.ended(response.left.refused.error)

    def ended(self, error: str) -> None:
        for member in self._members.values():
            member.part.ended(error)
        self._members.clear()

    def _opened(self, member: pb.FleetMemberOpened, at: int) -> None:
        mode = self._modes.pop(member.tag, pb.OPEN_MODE_UNSPECIFIED)
        if member.HasField("opened"):
            tensors = Signature(member.opened.signature).inputs
            sizes = [int(np.prod(each.shape)) * each.dtype.itemsize for each in tensors]
            part = self._register.opened(mode, member.opened, at)
            self._members[member.handle] = _Member(part, sizes)

    def _steps(self, message: pb.FleetSteps) -> Iterator[tuple[int, int, list[bytes]]]:
        """Handle, number and inputs of each; none of a message that the server refuses whole."""
        handles = np.frombuffer(message.handles, _HANDLE).tolist()
        numbers = np.frombuffer(message.steps, _NUMBER).tolist()
        if not handles or len(handles) != len(numbers):
            return
        # One message has streams of one model.
        first = self._members.get(handles[0])
        wanted = [len(handles) * size for size in first.sizes] if first else None
        if first is None or [len(data) for data in message.inputs] != wanted:
            return
        for entry, (handle, number) in enumerate(zip(handles, numbers, strict=True)):
            if handle in self._members:
                row = [
                    data[entry * size : (entry + 1) * size]
                    for data, size in zip(message.inputs, first.sizes, strict=True)
                ]
                yield handle, number, row


TAPS: dict[str, Callable[[Register], Tap]] = {
    f"{_SERVICE}/Stream": StreamTap,
    f"{_SERVICE}/Fleet": FleetTap,
}
"""By the path of the method."""

UNRECORDED = (
    "/inference.GRPCInferenceService/ModelInfer",
    "/inference.GRPCInferenceService/ModelStreamInfer",
)
"""Methods that carry steps which are not recorded."""
