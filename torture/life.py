"""The life of a stream over a raw call: many are cheap."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import grpc

from stepwire.v1 import stream_pb2 as pb
from torture.promises import PromiseBroken, promised
from torture.raw import OVER

WINDOW = 8
"""Steps that are under way together."""


class Life:
    """A call, from its open to its end."""

    def __init__(
        self, call: grpc.aio.StreamStreamCall[bytes, bytes], messages: Sequence[bytes]
    ) -> None:
        self._call = call
        self._messages = messages
        self.made = 0
        """The stream's next step."""

    async def open(self, opening: pb.Open, *, at: int) -> None:
        """Raises PromiseBroken unless the stream is opened, and stands at that step."""
        answer = None
        with suppress(*OVER):
            await self._call.write(pb.StreamRequest(open=opening).SerializeToString())
            answer = await self._call.read()
        if not isinstance(answer, bytes):
            code, details = await self._call.code(), await self._call.details()
            raise PromiseBroken(f"a stream was not opened: {code.name} {details}")
        opened = pb.StreamResponse.FromString(answer).opened
        promised(opened.next_step == at, f"a stream stands at step {opened.next_step}, not at {at}")
        self.made = at

    async def run(self, steps: int) -> None:
        """So many steps, a window at a time."""
        goal = self.made + steps
        while self.made < goal:
            window = range(self.made, min(self.made + WINDOW, goal))
            for step in window:
                await self._call.write(self._messages[step])
            for step in window:
                output = (await self._hear()).output
                taken = int.from_bytes(output.outputs[1], "little")
                promised(
                    output.step == step and taken == step + 1,
                    f"step {step} was answered as step {output.step}, the {taken}th to run",
                )
            self.made = window.stop

    async def finish(self, *last: bytes) -> None:
        """Says the last words, and that they are the last; hears the end."""
        for message in last:
            await self._call.write(message)
        await self._call.done_writing()
        while await self._call.read() is not grpc.aio.EOF:
            pass

    async def abandon(self) -> None:
        for step in range(self.made, self.made + WINDOW):
            await self._call.write(self._messages[step])
        self._call.cancel()

    async def _hear(self) -> pb.StreamResponse:
        answer = await self._call.read()
        if not isinstance(answer, bytes):
            code, details = await self._call.code(), await self._call.details()
            raise PromiseBroken(f"a call ended early: {code.name} {details}")
        return pb.StreamResponse.FromString(answer)
