"""The clock of a SQLite file.

It goes on with the machine's and stands still while the machine is off. Nobody sets it: by the
wall clock, which may leap, the time of all that is kept could be up at once.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

_BOOT = Path("/proc/sys/kernel/random/boot_id")

_GO_ON = "UPDATE clock SET boot = ?, ahead = seen - ? RETURNING ahead"

_SEE = "UPDATE clock SET seen = max(seen, ?)"


class MachineClock(NamedTuple):
    """All processes of the machine read the same."""

    boot: str
    """Tells a run of the machine from any other."""
    read: Callable[[], float]
    """Seconds in this run."""


def machine_clock() -> MachineClock:
    boot = _BOOT.read_text().strip() if _BOOT.exists() else ""
    return MachineClock(boot, time.monotonic)


def lead(connection: sqlite3.Connection, clock: MachineClock) -> float:
    """How far the file's clock is ahead of the machine's, in seconds.

    In a new run of the machine it goes on from where it stood, also where a run has no name.
    """
    if (ahead := _ahead(connection, clock)) is not None:
        return ahead
    connection.execute("BEGIN IMMEDIATE")
    # Another process may have set it going meanwhile.
    if (ahead := _ahead(connection, clock)) is None:
        [(ahead,)] = connection.execute(_GO_ON, (clock.boot, clock.read())).fetchall()
    connection.execute("COMMIT")
    return float(ahead)


def _ahead(connection: sqlite3.Connection, clock: MachineClock) -> float | None:
    """None: the clock stands, since another run of the machine."""
    [(boot, ahead, seen)] = connection.execute("SELECT boot, ahead, seen FROM clock")
    return float(ahead) if boot == clock.boot and clock.read() + ahead >= seen else None


def see(connection: sqlite3.Connection, now: float) -> None:
    """Has the clock go on from `now` at the earliest."""
    connection.execute(_SEE, (now,))
