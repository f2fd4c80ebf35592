"""The store in a SQLite file, shared by all processes of a machine.

What it keeps survives kill -9 of every one of them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from service.checkpoint.clock import MachineClock, see
from service.checkpoint.codec import decode, encode
from service.checkpoint.database import Database
from service.checkpoint.store import Listed, Record, Write
from service.core.streams import Fence, StreamKey

Row = tuple[Any, ...]
Rows = list[Row]

_FORGOTTEN = 64
"""Records that a round removes at most of those whose time is up."""

_STORE = """
INSERT INTO streams (namespace, id, epoch, owner, step, released, token_hash,
                     model, version, checkpoint, expires)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
ON CONFLICT (namespace, id) DO UPDATE SET
    claimant = CASE WHEN (excluded.epoch, excluded.owner) = (epoch, owner) AND expires > ?12
                     AND NOT excluded.released AND excluded.checkpoint IS NOT NULL
               THEN claimant END,
    epoch = excluded.epoch, owner = excluded.owner, step = excluded.step,
    released = excluded.released, token_hash = excluded.token_hash, model = excluded.model,
    version = excluded.version, checkpoint = excluded.checkpoint, expires = excluded.expires
WHERE expires <= ?12 OR """

_WRITE = _STORE + "(excluded.epoch, excluded.owner, excluded.step) >= (epoch, owner, step)"

_CREATE = _STORE + "checkpoint IS NULL AND (excluded.epoch, excluded.owner) > (epoch, owner)"

_REPLACE = _STORE + "(epoch, owner) = (?13, ?14)"

_FORGET = """
DELETE FROM streams WHERE rowid IN (SELECT rowid FROM streams WHERE expires <= ? LIMIT ?)"""

_READ = """
SELECT epoch, owner, token_hash, checkpoint, released FROM streams
WHERE namespace = ? AND id = ? AND expires > ?"""

_TAKE = """
UPDATE streams SET epoch = epoch + 1, owner = ?1, released = 0, claimant = NULL
WHERE namespace = ?2 AND id = ?3 AND epoch = ?4 AND owner = ?5
  AND expires > ?6 AND checkpoint IS NOT NULL
RETURNING epoch, owner, token_hash, checkpoint, released"""

_CLAIM = """
UPDATE streams SET claimant = ?
WHERE namespace = ? AND id = ? AND expires > ? AND checkpoint IS NOT NULL AND NOT released"""

_CLAIMED = """
SELECT namespace, id FROM streams
WHERE owner = ? AND claimant IS NOT NULL AND expires > ?"""

_LIST = """
SELECT id, model, version, step, released FROM streams
WHERE namespace = ? AND id > ? AND expires > ? AND checkpoint IS NOT NULL
ORDER BY id LIMIT ?"""


class SqliteStore:
    durable = True

    def __init__(self, path: str, *, timeout: float, clock: MachineClock | None = None) -> None:
        """`timeout` bounds every call, in seconds; `clock` is the machine's, if not given.

        Raises StoreRefused if the file cannot be used.
        """
        self._database = Database(path, timeout=timeout, clock=clock)

    def __repr__(self) -> str:
        return f"SqliteStore({self._database!r})"

    async def read(self, key: StreamKey) -> Record | None:
        rows = await self._all(_READ, key)
        return _record(rows[0]) if rows else None

    async def create(self, write: Write) -> bool:
        return await self._database.run(
            lambda database, now: _stored(database, _CREATE, write, now)
        )

    async def write(self, writes: Sequence[Write]) -> list[bool]:
        def round_(database: sqlite3.Connection, now: float) -> list[bool]:
            database.execute("BEGIN IMMEDIATE")
            stored = [_stored(database, _WRITE, write, now) for write in writes]
            database.execute(_FORGET, (now, _FORGOTTEN))
            see(database, now)
            database.execute("COMMIT")
            return stored

        return await self._database.run(round_)

    async def replace(self, write: Write, seen: Fence) -> bool:
        return await self._database.run(
            lambda database, now: _stored(database, _REPLACE, write, now, *seen)
        )

    async def take(self, key: StreamKey, seen: Fence, owner: str) -> Record | None:
        rows = await self._all(_TAKE, (owner, *key, *seen))
        return _record(rows[0]) if rows else None

    async def claim(self, key: StreamKey, owner: str) -> None:
        await self._all(_CLAIM, (owner, *key))

    async def claimed(self, owner: str) -> list[StreamKey]:
        return [StreamKey(*row) for row in await self._all(_CLAIMED, (owner,))]

    async def list(self, namespace: str, after: str, limit: int) -> list[Listed]:
        rows = await self._all(_LIST, (namespace, after), (limit,))
        return [
            Listed(StreamKey(namespace, id_), model, version, step, bool(released))
            for id_, model, version, step, released in rows
        ]

    async def close(self) -> None:
        await self._database.close()

    async def _all(
        self, statement: str, values: tuple[object, ...], after: tuple[object, ...] = ()
    ) -> Rows:
        """Of a statement whose values are `values`, the time, and those `after` it."""
        return await self._database.run(
            lambda database, now: database.execute(statement, (*values, now, *after)).fetchall()
        )


def _stored(
    database: sqlite3.Connection, statement: str, write: Write, now: float, *seen: object
) -> bool:
    key, record, keep_for = write
    model, version = record.checkpoint.model if record.checkpoint else (None, None)
    data = encode(record.checkpoint) if record.checkpoint else None
    values = (*key, *record.order, record.released, record.token_hash, model, version, data)
    return database.execute(statement, (*values, now + keep_for, now, *seen)).rowcount == 1


def _record(row: Row) -> Record:
    epoch, owner, token_hash, data, released = row
    checkpoint = None if data is None else decode(data)
    return Record(Fence(epoch, owner), token_hash, checkpoint, bool(released))
