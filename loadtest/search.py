"""Which load to try next, where the highest that holds is wanted."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Literal, NamedTuple

PRECISION = 0.05
"""How near the highest level that holds is to the lowest that does not, as a share."""
_LOWEST = 1 / 64
"""Of the first level: what is lower is not tried."""
_STEPS_BACK = (0.95, 0.9, 0.8, 0.65, 0.5)
"""What is left of a level that is not confirmed, the first time, the second time, ..."""

Purpose = Literal["double", "halve", "bisect", "again", "confirm"]


class Trial(NamedTuple):
    level: float
    purpose: Purpose


def search(
    first: float, *, highest: float = math.inf, whole: bool = False
) -> Generator[Trial, bool, float | None]:
    """Yields what to try, is sent whether it held, and returns the level that was confirmed.

    Doubles from `first` until a level fails, or halves until one holds; then bisects, until both
    ends are 5 % apart; then has the best confirmed, and steps back where it is not, by 5 % and
    then by more. A level that fails is tried once more before it counts as failed, since any
    machine has its bad moments; a confirmation is not. None: nothing held, or nothing held
    again. `whole`: levels are whole numbers from 1. No level is above `highest`.
    """
    good, bad = yield from _bracketed(first, highest, whole)
    if good is None:
        return None
    while bad is not None and (middle := _between(good, bad, whole)) is not None:
        held = yield from _tried(middle, "bisect")
        good, bad = (middle, bad) if held else (good, middle)
    return (yield from _confirmed(good, whole))


def _bracketed(
    first: float, highest: float, whole: bool
) -> Generator[Trial, bool, tuple[float | None, float | None]]:
    """The highest level that held, and the lowest that did not; None where there is none."""
    level = min(first, highest)
    held = yield from _tried(level, "double")
    if held:
        while level < highest:
            higher = min(2 * level, highest)
            if not (yield from _tried(higher, "double")):
                return level, higher
            level = higher
        return level, None
    lowest = max(1.0, first * _LOWEST) if whole else first * _LOWEST
    while (lower := _rounded(level / 2, whole)) >= lowest and lower < level:
        if (yield from _tried(lower, "halve")):
            return lower, level
        level = lower
    return None, level


def _tried(level: float, purpose: Purpose) -> Generator[Trial, bool, bool]:
    return (yield Trial(level, purpose)) or (yield Trial(level, "again"))


def _between(good: float, bad: float, whole: bool) -> float | None:
    """None: they are near enough."""
    if bad - good <= PRECISION * good:
        return None
    # In rates one thinks by ratios.
    middle = _rounded(math.sqrt(good * bad), whole)
    return middle if good < middle < bad else None


def _confirmed(level: float, whole: bool) -> Generator[Trial, bool, float | None]:
    for left in (*_STEPS_BACK, 0.0):
        if (yield Trial(level, "confirm")):
            return level
        lower = _rounded(left * level, whole)
        level = lower if lower < level else level - 1
        if level <= 0:
            break
    return None


def _rounded(level: float, whole: bool) -> float:
    return float(round(level)) if whole else level
