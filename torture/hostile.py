"""Entries that a server refuses each by itself, among sound ones, drawn from a seed."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np

from stepwire.v1 import stream_pb2 as pb
from torture.fleet_wire import Entries
from torture.package import FEATURES
from torture.seat import Entry, Seat

_SHARE = 0.1
"""Of messages whose tensors have a wrong size, and of entries that are not sound."""
_FAR = (9, 100, 2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1)
"""How far ahead of its stream a step may be, at most up to the largest number."""
_LARGEST = 2**64 - 1
_Code = pb.StepError


class Spoiler:
    """Spoils some entries of the messages of a fleet. Sound ones are sent again later."""

    def __init__(self, source: random.Random) -> None:
        self._source = source
        self.spoilt = 0

    def __call__(self, entries: Entries) -> Entries:
        """In any order, some of them or all replaced by others of the same streams."""
        chosen = self._source.sample(entries, len(entries))
        if self._source.random() < _SHARE:
            return self._misshapen(chosen)
        return [
            self._spoil(seat, entry) if self._source.random() < _SHARE else (seat, entry)
            for seat, entry in chosen
        ]

    def _misshapen(self, entries: Entries) -> Entries:
        """One tensor is of another size: which entry it belongs to, nobody can tell."""
        self.spoilt += len(entries)
        bad = [(seat, replace(_unsound(entry), misshapen=True)) for seat, entry in entries]
        place = self._source.randrange(len(bad))
        seat, entry = bad[place]
        size = self._source.choice((0, 1, len(entry.data) - 1, len(entry.data) + 4))
        bad[place] = seat, replace(entry, data=self._source.randbytes(size))
        return bad

    def _spoil(self, seat: Seat, entry: Entry) -> tuple[Seat, Entry]:
        self.spoilt += 1
        made = seat.member.made
        ways = [self._not_finite(entry), self._far(entry)]
        if entry.number < made:
            ways = [self._far(entry)]
        if made:
            ways += [self._other(seat, made - 1), self._again(seat, made - 1)]
        return seat, self._source.choice(ways)

    def _not_finite(self, entry: Entry) -> Entry:
        values = np.frombuffer(entry.data, "<f4").copy()
        place = self._source.randrange(FEATURES)
        values[place] = self._source.choice((np.inf, -np.inf, np.nan))
        return replace(_unsound(entry), data=values.tobytes(), late=False)

    def _far(self, entry: Entry) -> Entry:
        number = min(entry.number + self._source.choice(_FAR), _LARGEST)
        return replace(_bad(entry, _Code.CODE_STEP_GAP), number=number, late=False)

    def _other(self, seat: Seat, number: int) -> Entry:
        """A step that was answered, with other inputs."""
        data = seat.member.input(number + 1)
        codes = {_Code.CODE_STEP_CONFLICT, _Code.CODE_STEP_TOO_OLD}
        return Entry(number, data, sound=False, answered=False, errors=codes)

    def _again(self, seat: Seat, number: int) -> Entry:
        """A step that was answered, as it was."""
        data = seat.member.input(number)
        return Entry(number, data, sound=False, errors={_Code.CODE_STEP_TOO_OLD})


def _unsound(entry: Entry) -> Entry:
    """Of other inputs. A step whose answer was cut off has run, with the right ones."""
    return _bad(entry, _Code.CODE_INVALID_INPUT, _Code.CODE_STEP_CONFLICT)


def _bad(entry: Entry, *codes: int) -> Entry:
    return replace(entry, sound=False, answered=False, errors=frozenset(codes), verdict=0)
