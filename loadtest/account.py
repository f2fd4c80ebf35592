"""What one process notes of its steps, and hands on now and then."""

from __future__ import annotations

import math
from collections import Counter

from loadtest.interval import Interval
from loadtest.schedule import Arrival

NO_ANSWER = "no answer"
_KINDS = 20
_OTHERS = "others"


class _Notes:
    """An interval as lists: a histogram takes many values for the price of one."""

    def __init__(self) -> None:
        self.interval = Interval()
        self.latencies: list[float] = []
        self.lateness: list[float] = []

    def made(self) -> Interval:
        self.interval.latency.record(self.latencies)
        self.interval.lateness.record(self.lateness)
        return self.interval


class Account:
    def __init__(self, interval: float, end: float = math.inf) -> None:
        """`interval`: seconds. `end`: the time from which on the run is over."""
        self._length = interval
        self._end = end
        self._notes: dict[int, _Notes] = {}
        self._kinds: set[str] = set()

    def take(self) -> dict[int, Interval]:
        """What was noted since it was taken last, by the number of the interval."""
        notes, self._notes = self._notes, {}
        return {number: each.made() for number, each in notes.items()}

    def ends(self, at: float) -> None:
        """The run is over earlier than it was to be; later changes nothing."""
        self._end = min(self._end, at)

    def due(self, arrival: Arrival, now: float) -> None:
        """The loader turns to a step."""
        notes = self._at(arrival.at)
        notes.interval.due += 1
        notes.lateness.append(now - arrival.at)

    def answered(
        self, arrival: Arrival, now: float, batch_size: int, queued: float, computed: float
    ) -> None:
        """`batch_size`: streams that shared its run; 0 where nothing tells."""
        notes = self._at(arrival.at)
        notes.interval.answered += 1
        notes.interval.misses += now > arrival.following
        notes.latencies.append(now - arrival.at)
        came = self._at(now).interval
        came.came += 1
        came.in_time += now < self._end
        if batch_size:
            came.batches[batch_size] += 1
        came.queued += queued
        came.computed += computed

    def failed(self, arrival: Arrival, kind: str) -> None:
        """The server refused it: how soon says nothing of how soon it answers."""
        if kind not in self._kinds:
            if len(self._kinds) == _KINDS:
                kind = _OTHERS
            else:
                self._kinds.add(kind)
        interval = self._at(arrival.at).interval
        interval.errors[kind] += 1
        interval.misses += math.isfinite(arrival.following)

    def lost(self, arrival: Arrival, now: float, kind: str = NO_ANSWER) -> None:
        """It was waited for until now and in vain, so that its latency is at least that."""
        self._at(arrival.at).latencies.append(now - arrival.at)
        self.failed(arrival, kind)

    def _at(self, time: float) -> _Notes:
        number = math.floor(time / self._length)
        notes = self._notes.get(number)
        if notes is None:
            notes = self._notes[number] = _Notes()
        return notes


def merge(into: dict[int, Interval], taken: dict[int, Interval]) -> None:
    for number, interval in taken.items():
        into.setdefault(number, Interval()).add(interval)


def kinds(errors: Counter[str]) -> list[tuple[str, int]]:
    """The most frequent first."""
    return sorted(errors.items(), key=lambda kind: (-kind[1], kind[0]))
