"""The call of a fleet, message by message, without the client library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NoReturn

import grpc
import numpy as np

from stepwire.v1 import stream_pb2 as pb
from stepwire.v1 import stream_pb2_grpc as pb_grpc
from torture.promises import promised
from torture.raw import FAST, OVER
from torture.seat import Entry, Seat
from torture.witness import Observation

Entries = Sequence[tuple[Seat, Entry]]
"""Of one message."""
_HANDLE, _NUMBER, _COUNT = np.dtype("<u4"), np.dtype("<u8"), np.dtype("<i8")
_NO_BUDGET = 2**64 - 1
_SPENT, _AGE = 1, 2
"""Microseconds: a budget, and more than that."""


class Over(Exception):
    """The call has ended; the message is the name that the server gave the reason, if any."""


class FleetWire:
    """One call at a time, begun by the first message that is said on it."""

    def __init__(self, address: str) -> None:
        self._channel = grpc.aio.insecure_channel(address, options=FAST)
        self._stub: pb_grpc.StreamInferenceAsyncStub = pb_grpc.StreamInferenceStub(self._channel)
        self._call: grpc.aio.StreamStreamCall[pb.FleetRequest, pb.FleetResponse] | None = None
        self.calls = 0

    async def say(self, message: pb.FleetRequest) -> None:
        """Raises Over."""
        if self._call is None:
            self._call = self._stub.Fleet(wait_for_ready=True)
            self.calls += 1
        try:
            await self._call.write(message)
        except OVER:
            await self._raise_ending()

    async def hear(self) -> pb.FleetResponse:
        """Raises Over."""
        if self._call is None:
            raise Over
        try:
            message = await self._call.read()
        except OVER:
            message = grpc.aio.EOF
        if not isinstance(message, pb.FleetResponse):
            await self._raise_ending()
        return message

    async def say_no_more(self) -> None:
        """Raises Over."""
        if self._call is None:
            raise Over
        await self._call.done_writing()

    async def _raise_ending(self) -> NoReturn:
        assert self._call is not None
        trailers = dict(await self._call.trailing_metadata() or ())
        raise Over(str(trailers.get("stepwire-error", "")))

    def hang_up(self) -> None:
        if self._call:
            self._call.cancel()
            self._call = None

    async def close(self) -> None:
        self.hang_up()
        await self._channel.close()


def steps(entries: Entries) -> pb.FleetRequest:
    """A message of the entries in their order."""
    alone = [entry for _, entry in entries]
    message = pb.FleetSteps(
        handles=np.array([seat.handle for seat, _ in entries], _HANDLE).tobytes(),
        steps=np.array([entry.number for entry in alone], _NUMBER).tobytes(),
        inputs=[b"".join(entry.data for entry in alone)],
    )
    if any(entry.late for entry in alone):
        late = np.array([entry.late for entry in alone])
        message.budgets_us = np.where(late, _SPENT, _NO_BUDGET).astype(_NUMBER).tobytes()
        message.ages_us = np.where(late, _AGE, 0).astype(_NUMBER).tobytes()
    if any(entry.verdict for entry in alone):
        message.verdicts = bytes(entry.verdict for entry in alone)
    return pb.FleetRequest(steps=message)


def rows(outputs: pb.FleetOutputs) -> Iterator[tuple[int, int, Observation, int]]:
    """Handle, step, what was seen, and the verdict. Raises PromiseBroken."""
    handles = np.frombuffer(outputs.handles, _HANDLE).tolist()
    numbers = np.frombuffer(outputs.steps, _NUMBER).tolist()
    y, taken = outputs.outputs
    counts = np.frombuffer(taken, _COUNT).tolist()
    verdicts = list(outputs.verdicts) or [pb.VERDICT_ON_TIME] * len(handles)
    columns = handles, numbers, counts, verdicts
    promised(
        len({len(column) for column in columns}) == 1 and not len(y) % max(1, len(handles)),
        f"the fields of {len(handles)} outputs have {[len(each) for each in columns]} numbers",
    )
    size = len(y) // max(1, len(handles))
    for row, (handle, number, count, verdict) in enumerate(zip(*columns, strict=True)):
        yield handle, number, Observation(y[row * size : (row + 1) * size], count), verdict


def durable(handles: bytes, durable_steps: bytes) -> Iterator[tuple[int, int]]:
    """Handle and step; nothing where the message leaves them out."""
    if durable_steps:
        told = np.frombuffer(durable_steps, _NUMBER).tolist()
        yield from zip(np.frombuffer(handles, _HANDLE).tolist(), told, strict=True)
