"""A SQLite file that many processes share, used by a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias, TypeVar

from service.checkpoint.clock import MachineClock, lead, machine_clock
from service.checkpoint.schema import prepare
from service.checkpoint.store import StoreRefused, StoreUnavailable

_PASSES = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

T = TypeVar("T")

Job: TypeAlias = Callable[[sqlite3.Connection, float], T]
"""Is given the time of the file's clock, in seconds."""


class Database:
    """After any failure the file is opened again, and after it was replaced by another."""

    def __init__(self, path: str, *, timeout: float, clock: MachineClock | None = None) -> None:
        """`timeout` bounds every job, in seconds. `clock`: the machine's, if not given.

        Raises StoreRefused if the file cannot be used. One that is only locked may come free:
        that is told by `run`.
        """
        # A bare name is a path too, also one that means something else to SQLite.
        self._path = os.path.abspath(path)
        self._timeout = timeout
        self._clock = clock or machine_clock()
        self._ahead = 0.0
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

    async def run(self, job: Job[T]) -> T:
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

    def _run(self, job: Job[T]) -> T:
        try:
            return job(self._current(), self._now)
        except BaseException:
            self._drop()
            raise

    @property
    def _now(self) -> float:
        return self._clock.read() + self._ahead

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
            prepare(connection, self._path)
            self._ahead = lead(connection, self._clock)
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


def _identity(path: str) -> tuple[int, int] | None:
    """Tells a file from one that took its name; None if there is none."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
