"""The store in a Redis or Valkey server, for replicas on many machines.

What it keeps survives the loss of any of them, and of the server's process if the server
has an append-only file.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from service.checkpoint import scripts
from service.checkpoint.codec import decode, encode
from service.checkpoint.connection import Command, Connection
from service.checkpoint.scripts import PREFIX, Script
from service.checkpoint.store import Listed, Record, Write
from service.core.streams import Fence, StreamKey

_AT_ONCE = 64
"""Records in a pipeline, so that to encode them does not hold the event loop for long."""

_FORGOTTEN = 64
"""Names that a pipeline takes out at most of records whose time is up."""

_LONGEST = 10 * 365 * 86_400.0
"""Seconds that a record is kept at most; the server refuses times that overflow."""

_EXPIRY = f"{PREFIX}expiry"


class RedisStore:
    durable = True

    def __init__(self, url: str, *, timeout: float) -> None:
        """`url` is redis://[[USER]:PASSWORD@]HOST[:PORT][/DB], or rediss:// for TLS.

        `timeout` bounds every exchange with the server, in seconds. Raises StoreRefused if
        the URL is not one; a server that is not there is told by the first call.
        """
        self._connection = Connection(url, timeout=timeout)

    def __repr__(self) -> str:
        return f"RedisStore({self._connection!r})"

    async def read(self, key: StreamKey) -> Record | None:
        fields = ("epoch", "owner", "token_hash", "checkpoint", "released")
        [row] = await self._connection.run([("HMGET", _stream(key), *fields)])
        return _record(row)

    async def create(self, write: Write) -> bool:
        [stored] = await self._connection.run([_storing(scripts.CREATE, write)])
        return bool(stored)

    async def write(self, writes: Sequence[Write]) -> list[bool]:
        stored: list[bool] = []
        sweep = _command(scripts.SWEEP, [_EXPIRY], _FORGOTTEN)
        for start in range(0, len(writes), _AT_ONCE):
            part = [_storing(scripts.WRITE, write) for write in writes[start : start + _AT_ONCE]]
            *replies, _ = await self._connection.run([*part, sweep])
            stored += [bool(reply) for reply in replies]
        return stored

    async def replace(self, write: Write, seen: Fence) -> bool:
        [stored] = await self._connection.run([_storing(scripts.REPLACE, write, *seen)])
        return bool(stored)

    async def take(self, key: StreamKey, seen: Fence, owner: str) -> Record | None:
        taking = _command(scripts.TAKE, [_stream(key)], _member(key), *seen, seen.epoch + 1, owner)
        [row] = await self._connection.run([taking])
        return _record(row) if row else None

    async def claim(self, key: StreamKey, owner: str) -> None:
        await self._connection.run([_command(scripts.CLAIM, [_stream(key)], _member(key), owner)])

    async def claimed(self, owner: str) -> list[StreamKey]:
        asking = _command(scripts.CLAIMED, [f"{PREFIX}claims:{owner}"], owner)
        [members] = await self._connection.run([asking])
        return [StreamKey(*member.decode().rsplit("/", 1)) for member in members]

    async def list(self, namespace: str, after: str, limit: int) -> list[Listed]:
        listing = _command(scripts.LIST, [_names(namespace)], namespace, after, limit)
        [rows] = await self._connection.run([listing])
        return [_listed(namespace, row) for row in rows]

    async def close(self) -> None:
        await self._connection.close()


def _member(key: StreamKey) -> str:
    return f"{key.namespace}/{key.id}"


def _stream(key: StreamKey) -> str:
    return f"{PREFIX}stream:{_member(key)}"


def _names(namespace: str) -> str:
    return f"{PREFIX}names:{namespace}"


def _command(script: Script, keys: Sequence[str], *values: str | bytes | int) -> Command:
    return (script, len(keys), *keys, *values)


def _storing(script: Script, write: Write, *seen: str | int) -> Command:
    key, record, keep_for = write
    model, version = record.checkpoint.model if record.checkpoint else ("", 0)
    return _command(
        script,
        [_stream(key), _names(key.namespace), _EXPIRY],
        *(key.id, _member(key), *record.order, int(record.released)),
        math.ceil(min(keep_for, _LONGEST) * 1000),
        *(record.token_hash, model, version),
        encode(record.checkpoint) if record.checkpoint else b"",
        *seen,
    )


def _record(row: Sequence[Any]) -> Record | None:
    epoch, owner, token_hash, data, released = row
    if epoch is None:
        return None
    checkpoint = decode(data) if data else None
    return Record(Fence(int(epoch), owner.decode()), token_hash, checkpoint, released == b"1")


def _listed(namespace: str, row: Sequence[Any]) -> Listed:
    id_, model, version, step, released = row
    key = StreamKey(namespace, id_.decode())
    return Listed(key, model.decode(), int(version), int(step), released == b"1")
