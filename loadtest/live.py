"""How a run stands, in one line that is written over; nothing where nobody watches."""

from __future__ import annotations

import shutil
from typing import TextIO

from loadtest import wording
from loadtest.interval import Interval, together
from loadtest.load import Load

_SECONDS = 1.0
"""What the figures of the line look back on."""


class Live:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown = stream.isatty()
        self._prefix = ""

    def says(self, prefix: str) -> None:
        """What the run is for."""
        self._prefix = prefix

    def watch(self, load: Load, now: float, intervals: dict[int, Interval]) -> None:
        if self._shown:
            self.show(self._prefix + line(load, now, intervals))

    def show(self, text: str) -> None:
        if self._shown:
            columns = shutil.get_terminal_size().columns - 1
            self._stream.write(f"\r\x1b[2K{text[:columns]}")
            self._stream.flush()

    def clear(self) -> None:
        if self._shown:
            self._stream.write("\r\x1b[2K")
            self._stream.flush()


def line(load: Load, now: float, intervals: dict[int, Interval]) -> str:
    """`now`: seconds of the run; figures are those of about the last second."""
    errors = sum(each.errors.total() for each in intervals.values())
    told = wording.counted(errors, "error") if errors else "no errors"
    if now < 0:
        return f"ramp {wording.clock(-now)} left, {told}"
    newest = int(now / load.interval) - 1
    count = max(1, round(_SECONDS / load.interval))
    recent = together(
        [
            intervals[number]
            for number in range(newest - count + 1, newest + 1)
            if number in intervals
        ]
    )
    rate = wording.rate(recent.came / (count * load.interval))
    p50, p99 = (wording.duration(recent.latency.percentile(of)) for of in (50, 99))
    return (
        f"{wording.clock(min(now, load.duration))} of {wording.clock(load.duration)}, "
        f"{rate}, p50 {p50}, p99 {p99}, {told}"
    )
