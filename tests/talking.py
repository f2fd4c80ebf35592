"""A streaming call without gRPC: what a client says and hears, and when it reads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import grpc
from google.protobuf.message import Message


class Aborted(Exception):
    """As gRPC ends a handler that aborts its call."""


class Talking:
    """A client of one call, which is its context as well."""

    def __init__(self, *, direct: bool = False, credential: str = "") -> None:
        """`direct`: on a transport that tells messages where they arrive, and takes answers where
        they are made.
        """
        self._credential = credential
        self._said: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.reads = asyncio.Event()
        """Whether the client reads; cleared, writes wait."""
        self.reads.set()
        self.taken = 0
        """Messages that the server has read."""
        self.status = ""
        """The name of the error that ended the call."""
        self.task: asyncio.Task[None]
        if direct:
            self.attend = self._attend
            self.offer = self._offer

    def heard_of(self, message: Any) -> None:
        """Is told each message that the client hears."""

    def serve(self, serving: Callable[[], Awaitable[None]]) -> None:
        self.task = asyncio.create_task(self._serve(serving))

    async def _serve(self, serving: Callable[[], Awaitable[None]]) -> None:
        try:
            await serving()
            self.status = "OK"
        except Aborted as error:
            self.status = str(error)

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self._credential}"),) if self._credential else ()

    async def read(self) -> bytes | Any:
        message = await self._said.get()
        self.taken += 1
        return grpc.aio.EOF if message is None else message

    async def write(self, message: Any) -> None:
        await self.reads.wait()
        self.heard_of(message)

    async def _attend(self, hear: Callable[[bytes], bool]) -> bool:
        while isinstance(message := await self.read(), bytes):
            if not hear(message):
                return True
        return False

    def _offer(self, message: Any) -> bool:
        if not self.reads.is_set():
            return False
        self.heard_of(message)
        return True

    async def abort(
        self, code: grpc.StatusCode, details: str, trailers: tuple[tuple[str, str], ...]
    ) -> NoReturn:
        raise Aborted(dict(trailers)["stepwire-error"])

    def send(self, message: Message | bytes) -> None:
        data = message if isinstance(message, bytes) else message.SerializeToString()
        self._said.put_nowait(data)

    def hang_up(self) -> None:
        self._said.put_nowait(None)

    async def turns(self, count: int = 20) -> None:
        """Lets the loop go round."""
        for _ in range(count):
            await asyncio.sleep(0)
