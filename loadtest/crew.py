"""The processes that make the load, together."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from loadtest.endings import Interrupted, LoadRefused
from loadtest.helper import Helper, speaking
from loadtest.interrupts import Interrupts
from loadtest.load import Load, Target
from loadtest.orders import Begin, Prepare, Ready, Refused, Report, Stop
from loadtest.outcome import Outcome
from loadtest.running import LOOK, Running, Watch
from loadtest.talkers.talker import Served

_NOTICE = 0.1
"""Seconds from an order to begin until the first stream does."""
_PATIENCE = 5.0
"""Seconds until a process that is told to end is killed."""


class Crew:
    """Made and ended by `with`."""

    def __init__(
        self, target: Target, processes: int, interrupts: Interrupts, *, timed: bool
    ) -> None:
        """`timed`: the steps of its runs are due at times, which a closed loop's are not."""
        self._interrupts = interrupts
        self._helpers = [Helper(number, target, timed) for number in range(processes)]

    def run(self, load: Load, watch: Watch) -> Outcome:
        """An interrupt from the keyboard ends the run, not the report; a second one both.

        Raises LoadRefused, LoaderDied, Interrupted where the run has not begun, and
        KeyboardInterrupt.
        """
        helpers = self._helpers[: load.streams]
        for number, each in enumerate(helpers):
            each.tell(Prepare(load, range(number, load.streams, len(helpers))))
        served = self._ready(helpers)
        zero = time.monotonic() + load.ramp + _NOTICE
        for each in helpers:
            each.tell(Begin(zero))
        return Running(load, served, helpers, zero, watch, self._interrupts).outcome()

    def _ready(self, helpers: Sequence[Helper]) -> Served:
        told = self._answers(helpers)
        ready = [each for each in told if isinstance(each, Ready)]
        if len(ready) == len(told):
            return ready[0].served
        well = [each for each, said in zip(helpers, told, strict=True) if isinstance(said, Ready)]
        for each in well:
            each.tell(Stop())
        self._answers(well)
        reason = next(each.reason for each in told if isinstance(each, Refused))
        raise LoadRefused(reason)

    def _answers(self, helpers: Sequence[Helper]) -> list[Report]:
        """One of each, in their order. Raises Interrupted."""
        told: dict[Helper, Report] = {}
        while len(told) < len(helpers):
            if self._interrupts.count:
                raise Interrupted
            for each in speaking([each for each in helpers if each not in told], LOOK):
                told[each] = each.hear()
        return [told[each] for each in helpers]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for each in self._helpers:
            each.end.close()
        deadline = time.monotonic() + _PATIENCE
        for each in self._helpers:
            each.join(deadline - time.monotonic())
