"""A SQLite file that many processes share, used by a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from service.checkpoint.store import StoreRefused, StoreUnavailable

APPLICATION_ID = 0x53746570
"""Tells a file of Stepwire from any other SQLite file."""

SCHEMA_VERSION = 1

_SCHEMA = (
    """
    CREATE TABLE streams (
        namespace  TEXT    NOT NULL,
        id         TEXT    NOT NULL,
        epoch      INTEGER NOT NULL,
        owner      TEXT    NOT NULL,
        step       INTEGER NOT NULL,  -- 2^53 once the stream has ended
        released   INTEGER NOT NULL,
        claimant   TEXT,              -- who asks for it; NULL: nobody
        expires    REAL    NOT NULL,  -- in seconds since 1970
        token_hash BLOB    NOT NULL,
        model      TEXT,
        version    INTEGER,
        checkpoint BLOB,              -- a CheckpointEnvelope; NULL once the stream has ended
        PRIMARY KEY (namespace, id)
    )""",
    "CREATE INDEX streams_by_expiry ON streams (expires)",
    "CREATE INDEX claims ON streams (owner) WHERE claimant IS NOT NULL",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    # A commit is then no fsync: kill -9 of every process loses nothing, since the file is
    # the kernel's; a power cut may lose the newest rounds, and never damages the file.
    "PRAGMA synchronous = NORMAL",
    "PRAGMA journal_size_limit = 67108864",
)

_PASSES = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

T = TypeVar("T")


class Database:
    """After any failure the file is opened again, and after it was replaced by another."""

    def __init__(self, path: str, *, timeout: float) -> None:
        """`timeout` bounds every job, in seconds.

        Raises StoreRefused if the file cannot be used. One that is only locked may come free:
        that is told by `run`.
        """
        # A bare name is a path too, also one that means something else to SQLite.
        self._path = os.path.abspath(path)
        self._timeout = timeout
        self._thread = ThreadPoolExecutor(1, "stepwire-sqlite")
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        try:
            self._open()
        except sqlite3.Error as error:
            if error.sqlite_errorcode not in _PASSES:
                raise StoreRefused(f"--store sqlite:{path}: {error}") from error
        except OSError as error:
            raise StoreRefused(f"--store sqlite:{path}: {error.strerror}") from error

    def __repr__(self) -> str:
        return f"sqlite:{self._path}"

    async def run(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """What `job` returns; it is cut short and rolled back if it raises.

        The connection commits each statement by itself, outside of a BEGIN. Raises
        StoreUnavailable.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout):
                return await loop.run_in_executor(self._thread, self._run, job)
        except (sqlite3.Error, OSError, StoreRefused) as error:
            late = isinstance(error, TimeoutError)
            what = f"did not answer within {self._timeout:g} s" if late else str(error)
            raise StoreUnavailable(f"{self!r}: {what}") from error

    async def close(self) -> None:
        """Leaves the thread behind if it does not come back in time."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timeout):
                await loop.run_in_executor(self._thread, self._drop)
        self._thread.shutdown(wait=False)

    def _run(self, job: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return job(self._current())
        except BaseException:
            self._drop()
            raise

    def _current(self) -> sqlite3.Connection:
        if not self._connection:
            return self._open()
        if self._file != _identity(self._path):
            # Told of once: what is there since has nothing of what was kept.
            raise sqlite3.OperationalError("the file was removed or replaced")
        return self._connection

    def _open(self) -> sqlite3.Connection:
        # Nobody else may read states; SQLite gives its other files the same permissions.
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(
            self._path, timeout=self._timeout, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(connection, self._path)
        except BaseException:
            connection.close()
            raise
        self._connection, self._file = connection, _identity(self._path)
        return connection

    def _drop(self) -> None:
        """Closing rolls back what was begun."""
        if self._connection:
            self._connection.close()
            self._connection = None


def _prepare(connection: sqlite3.Connection, path: str) -> None:
    if _version(connection) == 0:
        connection.execute("BEGIN IMMEDIATE")
        # Another process may have made the tables meanwhile.
        if _version(connection) == 0:
            _make_tables(connection, path)
        connection.execute("COMMIT")
    if (version := _version(connection)) > SCHEMA_VERSION:
        raise StoreRefused(
            f"--store sqlite:{path}: the file has schema {version}, of a newer version of "
            f"Stepwire; this one knows up to {SCHEMA_VERSION}: name another file"
        )
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _version(connection: sqlite3.Connection) -> int:
    """Of the schema; 0: the file is not of Stepwire."""
    [(application,)] = connection.execute("PRAGMA application_id")
    [(version,)] = connection.execute("PRAGMA user_version")
    return int(version) if application == APPLICATION_ID else 0


def _make_tables(connection: sqlite3.Connection, path: str) -> None:
    if connection.execute("SELECT 1 FROM sqlite_schema").fetchone():
        raise StoreRefused(
            f"--store sqlite:{path}: the file is the database of something else: name another"
        )
    for statement in _SCHEMA:
        connection.execute(statement)


def _identity(path: str) -> tuple[int, int] | None:
    """Tells a file from one that took its name; None if there is none."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
