"""The processes that make the load, as their parent has them."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Self

from loadtest.account import merge
from loadtest.interrupts import Interrupts
from loadtest.interval import Interval
from loadtest.load import Load, Target
from loadtest.orders import Begin, Done, Order, Prepare, Ready, Refused, Report, Stop, Tick
from loadtest.outcome import Outcome
from loadtest.talkers.talker import Served
from loadtest.worker import work

_NOTICE = 0.1
"""Seconds from an order to begin until the first stream does."""
_LOOK = 0.1
"""Seconds after which an interrupt is seen at the latest."""
_PATIENCE = 5.0
"""Seconds until a process that is told to end is killed."""

Watch = Callable[[float, dict[int, Interval]], None]
"""Is told now and then: the time of the run, and all that is known of it."""


class LoadRefused(RuntimeError):
    """The run did not begin, or a process of the loader died."""


class Crew:
    """Made and ended by `with`."""

    def __init__(self, target: Target, processes: int, *, timed: bool) -> None:
        """`timed`: the steps of its runs are due at times, which a closed loop's are not."""
        # gRPC does not survive a fork.
        context = multiprocessing.get_context("spawn")
        self._processes = []
        self._ends: list[Connection] = []
        for number in range(processes):
            end, other = context.Pipe()
            process = context.Process(
                target=work,
                args=(other, target, timed),
                name=f"stepwire-load-{number}",
                daemon=True,
            )
            process.start()
            other.close()
            self._processes.append(process)
            self._ends.append(end)

    def run(self, load: Load, watch: Watch) -> Outcome:
        """Raises LoadRefused. An interrupt from the keyboard ends the run, not the report."""
        ends = self._ends[: load.streams]
        for number, end in enumerate(ends):
            end.send(Prepare(load, range(number, load.streams, len(ends))))
        served = self._ready(ends)
        zero = time.monotonic() + load.ramp + _NOTICE
        self._tell(ends, Begin(zero))
        return _Running(load, served, ends, zero, watch).outcome()

    def _ready(self, ends: list[Connection]) -> Served:
        told = [_told(end) for end in ends]
        ready = [each for each in told if isinstance(each, Ready)]
        if len(ready) == len(told):
            return ready[0].served
        well = [end for end, each in zip(ends, told, strict=True) if isinstance(each, Ready)]
        self._tell(well, Stop())
        for end in well:
            _told(end)
        reason = next(each.reason for each in told if isinstance(each, Refused))
        raise LoadRefused(reason)

    def _tell(self, ends: list[Connection], order: Order) -> None:
        for end in ends:
            end.send(order)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """A process whose pipe ends, ends."""
        for end in self._ends:
            end.close()
        deadline = time.monotonic() + _PATIENCE
        for process in self._processes:
            process.join(max(0.0, deadline - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()


class _Running:
    """A run that has begun."""

    def __init__(
        self, load: Load, served: Served, ends: list[Connection], zero: float, watch: Watch
    ) -> None:
        self._load = load
        self._served = served
        self._ends = ends
        self._zero = zero
        self._watch = watch
        self._intervals: dict[int, Interval] = {}
        self._busy: list[float] = []
        self._stopped: float | None = None

    def outcome(self) -> Outcome:
        waiting = list(self._ends)
        with Interrupts() as interrupts:
            while waiting:
                waiting = self._heard(waiting)
                if interrupts.count > (self._stopped is not None):
                    self._stop(waiting)
        ended = self._load.duration if self._stopped is None else self._stopped
        return Outcome(
            load=self._load,
            served=self._served,
            processes=len(self._ends),
            intervals=self._intervals,
            elapsed=max(0.0, min(ended, self._load.duration)),
            interrupted=self._stopped is not None,
            busy=tuple(self._busy),
        )

    def _heard(self, waiting: list[Connection]) -> list[Connection]:
        """Those that go on."""
        for end in wait(waiting, _LOOK):
            assert isinstance(end, Connection)
            report = _told(end)
            assert isinstance(report, Tick | Done)
            merge(self._intervals, report.intervals)
            if isinstance(report, Done):
                self._busy.append(report.busy)
                waiting = [other for other in waiting if other is not end]
        self._watch(time.monotonic() - self._zero, self._intervals)
        return waiting

    def _stop(self, waiting: list[Connection]) -> None:
        """Whoever interrupts again does not want the report."""
        if self._stopped is not None:
            raise KeyboardInterrupt
        self._stopped = time.monotonic() - self._zero
        for end in waiting:
            with suppress(OSError):
                end.send(Stop())


def _told(end: Connection) -> Report:
    try:
        report: Report = end.recv()
    except (EOFError, OSError) as error:
        raise LoadRefused("a process of the loader died; what it wrote says why") from error
    return report
