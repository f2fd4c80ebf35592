"""A run that has begun, until its last process is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from loadtest.account import merge
from loadtest.endings import LoaderDied
from loadtest.helper import Helper, speaking
from loadtest.interrupts import Interrupts
from loadtest.interval import Interval
from loadtest.load import Load
from loadtest.orders import Done, Stop, Tick
from loadtest.outcome import Outcome
from loadtest.talkers.talker import Served

LOOK = 0.1
"""Seconds after which an interrupt is seen at the latest."""

Watch = Callable[[float, dict[int, Interval]], None]
"""Is told now and then: the time of the run, and all that is known of it."""


class Running:
    def __init__(
        self,
        load: Load,
        served: Served,
        helpers: Sequence[Helper],
        zero: float,
        watch: Watch,
        interrupts: Interrupts,
    ) -> None:
        """`zero`: what its times count from, on the monotonic clock."""
        self._load = load
        self._served = served
        self._helpers = helpers
        self._zero = zero
        self._watch = watch
        self._interrupts = interrupts
        self._heeded = interrupts.count
        self._waiting = list(helpers)
        self._intervals: dict[int, Interval] = {}
        self._busy: list[float] = []
        self._stopped: float | None = None
        self._broken: str | None = None

    def outcome(self) -> Outcome:
        """Raises KeyboardInterrupt: whoever interrupts again does not want the report."""
        while self._waiting:
            for each in speaking(self._waiting, LOOK):
                self._hear(each)
            self._watch(time.monotonic() - self._zero, self._intervals)
            if self._interrupts.count > self._heeded:
                self._interrupt()
        ended = self._load.duration if self._stopped is None else self._stopped
        return Outcome(
            load=self._load,
            served=self._served,
            processes=len(self._helpers),
            intervals=self._intervals,
            elapsed=max(0.0, min(ended, self._load.duration)),
            interrupted=self._stopped is not None,
            busy=tuple(self._busy),
            broken=self._broken,
        )

    def _hear(self, helper: Helper) -> None:
        try:
            report = helper.hear()
        except LoaderDied as died:
            self._broken = str(died)
            self._waiting.remove(helper)
            self._stop()
            return
        assert isinstance(report, Tick | Done)
        merge(self._intervals, report.intervals)
        if isinstance(report, Done):
            self._busy.append(report.busy)
            self._waiting.remove(helper)

    def _interrupt(self) -> None:
        if self._stopped is not None:
            raise KeyboardInterrupt
        self._heeded = self._interrupts.count
        self._stop()

    def _stop(self) -> None:
        """The others: what they have measured is told."""
        if self._stopped is None:
            self._stopped = time.monotonic() - self._zero
            for each in self._waiting:
                with suppress(LoaderDied):  # that it died is heard of
                    each.tell(Stop())
