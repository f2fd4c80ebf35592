"""The connection between the parent and a worker: questions and answers, both ways.

A pair of connected sockets that no one else can reach and that leaves nothing behind. Each line
is a JSON object: a question with its number, or the answer to one.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Any

log = logging.getLogger(__name__)

_LINE_BYTES = 64 * 2**20

Answer = Callable[[str, Any], Awaitable[Any]]
"""Answers a question of a kind; takes and gives what JSON can say."""


class Gone(Exception):
    """The other end is no more: what was asked may or may not have happened."""


class Failed(Exception):
    """The other end could not answer; the message says why."""


class Peer:
    """The other end."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._answer = answer
        self._numbers = itertools.count()
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self._gone = False

    @classmethod
    async def on(cls, end: socket.socket, answer: Answer) -> Peer:
        """Takes `end` over. Hears nothing until `listen` runs."""
        reader, writer = await asyncio.open_unix_connection(sock=end, limit=_LINE_BYTES)
        return cls(reader, writer, answer)

    async def ask(self, kind: str, body: Any = None) -> Any:
        """Raises Gone or Failed."""
        if self._gone:
            raise Gone
        number = next(self._numbers)
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            self._send({"number": number, "kind": kind, "body": body})
            return await answer
        finally:
            del self._asked[number]

    async def listen(self) -> None:
        """Answers the other end, and hears its answers, until it is gone."""
        try:
            while line := await self._reader.readline():
                self._hear(json.loads(line))
        except ConnectionError:
            pass
        finally:
            self._gone = True
            for answer in self._asked.values():
                if not answer.done():
                    answer.set_exception(Gone())
            self._writer.close()

    def _hear(self, message: Any) -> None:
        if "kind" in message:
            task = asyncio.create_task(self._reply(message))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
            return
        answer = self._asked.get(message["number"])
        if answer is None or answer.done():
            return
        if "failure" in message:
            answer.set_exception(Failed(message["failure"]))
        else:
            answer.set_result(message["answer"])

    async def _reply(self, message: Any) -> None:
        reply: dict[str, Any] = {"number": message["number"]}
        try:
            reply["answer"] = await self._answer(message["kind"], message["body"])
        except Exception as error:  # whatever it is, the one who asked waits for it
            log.exception("%r could not be answered", message["kind"])
            reply["failure"] = f"{type(error).__name__}: {error}"
        if not self._gone:
            self._send(reply)

    def _send(self, message: dict[str, Any]) -> None:
        self._writer.write(json.dumps(message).encode() + b"\n")
