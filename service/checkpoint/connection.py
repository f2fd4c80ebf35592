"""Exchanges with a Redis server: bounded in time, never repeated, silent about passwords."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from redis import exceptions
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from service.checkpoint.scripts import Script
from service.checkpoint.store import StoreRefused, StoreUnavailable

Command = tuple[Any, ...]
"""A Script, or the name of a command, with what follows it."""

_CONNECTIONS = 8


class _Pool(BlockingConnectionPool):
    async def ensure_connection(self, connection: AbstractConnection) -> None:
        """A connection that was lost at rest is told of: who is there since may have lost all."""
        if connection.is_connected and await connection.can_read():
            await connection.disconnect()
            raise exceptions.ConnectionError("the connection was lost while it was at rest")
        await connection.connect()  # type: ignore[no-untyped-call]  # redis leaves it untyped

    async def hang_up(self) -> None:
        """Closes the connections at rest, without waiting for a server that may not answer."""
        for connection in self._available_connections:
            await connection.disconnect(nowait=True)


class Connection:
    """Connects when it is needed; after any failure the next exchange does so anew."""

    def __init__(self, url: str, *, timeout: float) -> None:
        """`timeout` bounds an exchange, in seconds. Raises StoreRefused for a bad URL."""
        self._timeout = timeout
        self._address = _address(url)
        try:
            self._pool = _Pool.from_url(
                url,
                max_connections=_CONNECTIONS,
                timeout=timeout,
                socket_connect_timeout=timeout,
                # An exchange has one time limit as a whole.
                socket_timeout=None,
                # A repeated write could hide that the server was away.
                retry=Retry(NoBackoff(), 0),
                protocol=2,
            )
            # It knows the options; nothing connects yet.
            self._pool.make_connection()  # type: ignore[no-untyped-call]  # redis leaves it untyped
        except (ValueError, TypeError, RedisError):
            raise _refusal(f"{self._address}?...") from None
        self._client = Redis(connection_pool=self._pool)

    def __repr__(self) -> str:
        return self._address

    async def run(self, commands: Sequence[Command]) -> list[Any]:
        """The replies to the commands, sent together. Raises StoreUnavailable."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._run(commands)
        except (RedisError, OSError) as error:
            # The connections at rest have likely failed like the one that was used.
            await self._pool.hang_up()
            late = isinstance(error, TimeoutError)
            what = f"did not answer within {self._timeout:g} s" if late else str(error)
            raise StoreUnavailable(f"{self!r}: {what}") from error

    async def close(self) -> None:
        with contextlib.suppress(RedisError):
            await self._pool.disconnect()

    async def _run(self, commands: Sequence[Command]) -> list[Any]:
        replies = await self._exchange([_by_sha(command) for command in commands])
        unknown = [at for at, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if unknown:
            # A server that has started since: none of these have run.
            again = await self._exchange([_by_text(commands[at]) for at in unknown])
            for at, reply in zip(unknown, again, strict=True):
                replies[at] = reply
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return replies

    async def _exchange(self, commands: Sequence[Command]) -> list[Any]:
        pipeline = self._client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        replies: list[Any] = await pipeline.execute(raise_on_error=False)
        return replies


def _by_sha(command: Command) -> Command:
    script, *rest = command
    return ("EVALSHA", script.sha, *rest) if isinstance(script, Script) else command


def _by_text(command: Command) -> Command:
    script, *rest = command
    return ("EVAL", script.text, *rest)


def _address(url: str) -> str:
    """The URL without what may be secret. Raises StoreRefused."""
    try:
        parts = urlsplit(url)
        port = parts.port or 6379
    except ValueError:
        raise _refusal(f"{url.partition(':')[0]}:...") from None
    if parts.scheme not in ("redis", "rediss") or not parts.hostname:
        raise _refusal(f"{parts.scheme}:...")
    if not re.fullmatch(r"(/[0-9]*)?", parts.path):
        raise _refusal(f"{parts.scheme}://{parts.hostname}:{port}/...")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{port}/{parts.path[1:] or 0}"


def _refusal(shown: str) -> StoreRefused:
    return StoreRefused(
        f"--store {shown} is no Redis store: one is redis://HOST:PORT/DB, with :PASSWORD@ before "
        "the host if it has one, rediss:// for TLS, and no ?OPTION that the client does not know"
    )
