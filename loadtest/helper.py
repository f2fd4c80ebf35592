"""One of the processes that make the load, as their parent has it."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait

from loadtest.endings import LoaderDied
from loadtest.interrupts import ignored
from loadtest.load import Target
from loadtest.orders import Order, Report
from loadtest.worker import work

_ENDING = 1.0
"""Seconds that a process which hung up takes to be gone."""


class Helper:
    def __init__(self, number: int, target: Target, timed: bool) -> None:
        """It is started. `timed`: the steps of its runs are due at times."""
        # gRPC does not survive a fork.
        context = multiprocessing.get_context("spawn")
        self.end, other = context.Pipe()
        self._process = context.Process(
            target=work, args=(other, target, timed), name=f"stepwire-load-{number}", daemon=True
        )
        # A terminal interrupts all processes; the parent is who tells of it.
        with ignored():
            self._process.start()
        other.close()

    def tell(self, order: Order) -> None:
        """Raises LoaderDied."""
        try:
            self.end.send(order)
        except OSError as error:
            raise LoaderDied(self._death()) from error

    def hear(self) -> Report:
        """Waits for it. Raises LoaderDied."""
        try:
            report: Report = self.end.recv()
        except (EOFError, OSError) as error:
            raise LoaderDied(self._death()) from error
        return report

    def join(self, seconds: float) -> None:
        """A process whose pipe ends, ends; after some seconds it is killed."""
        self._process.join(max(0.0, seconds))
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _death(self) -> str:
        self._process.join(_ENDING)
        code = self._process.exitcode
        if code is None or code >= 0:
            return "a process of the loader died; what it wrote says why"
        guess = ": is there too little memory?" if -code == signal.SIGKILL else ""
        return f"a process of the loader was ended by signal {-code}{guess}"


def speaking(helpers: Sequence[Helper], seconds: float) -> list[Helper]:
    """Those that have something to say, or hung up; none after so many seconds."""
    of: dict[object, Helper] = {each.end: each for each in helpers}
    ends: list[Connection] = [each.end for each in helpers]
    return [of[end] for end in wait(ends, seconds)]
