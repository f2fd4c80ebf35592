"""From values to places on a drawing, and which values are worth a mark."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_TICKS = 8
"""About so many marks."""


@dataclass(frozen=True, slots=True)
class Scale:
    low: float
    high: float
    start: float
    """Where `low` is, in pixels."""
    end: float
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """In pixels; what is outside is at the edge."""
        value = min(max(value, self.low), self.high)
        if self.logarithmic:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        return self._log_ticks() if self.logarithmic else self._linear_ticks()

    def _linear_ticks(self) -> list[float]:
        step = _round_step((self.high - self.low) / _TICKS)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]

    def _log_ticks(self) -> list[float]:
        """1, 2 and 5 of each decade, or the decades alone where those are many."""
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        digits = (1, 2, 5) if last - first <= 3 else (1,)
        marks = [digit * 10.0**decade for decade in range(first, last + 1) for digit in digits]
        return [mark for mark in marks if self.low * 0.999 <= mark <= self.high * 1.001]


def linear(values: Iterable[float], start: float, end: float) -> Scale:
    """From 0 to a round value above all."""
    highest = max(values, default=0.0) or 1.0
    step = _round_step(highest / _TICKS)
    return Scale(0.0, step * math.ceil(highest / step - 1e-9), start, end)


def logarithmic(values: Iterable[float], start: float, end: float) -> Scale:
    """From a 1, 2 or 5 below all that are above 0 to one above all."""
    positive = [value for value in values if value > 0] or [1.0]
    low, high = _log_floor(min(positive)), _log_ceiling(max(positive))
    return Scale(low, high if high > low else 2 * low, start, end, logarithmic=True)


def _round_step(step: float) -> float:
    """The next 1, 2 or 5 of a decade."""
    return _log_ceiling(step)


def _log_floor(value: float) -> float:
    decade = 10.0 ** math.floor(math.log10(value))
    return max(digit * decade for digit in (1, 2, 5) if digit * decade <= value * 1.000001)


def _log_ceiling(value: float) -> float:
    decade = 10.0 ** math.floor(math.log10(value))
    return min(digit * decade for digit in (1, 2, 5, 10) if digit * decade >= value * 0.999999)
