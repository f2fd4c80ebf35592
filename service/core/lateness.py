"""Budgets: how long a step may take, and what becomes of one that takes longer."""

from __future__ import annotations

from enum import IntEnum


class Verdict(IntEnum):
    """What the clock made of a step. Values as in stream.proto."""

    ON_TIME = 1
    LATE = 2
    HELD = 3


class LatePolicy(IntEnum):
    """What happens to a step whose budget is spent before it runs. Values as in stream.proto."""

    FLAG = 1
    REJECT = 2
    HOLD = 3


def is_late(received: float, budget: float | None, age: float, now: float) -> bool:
    """Whether the budget is spent at `now`; all in seconds, the clock's origin is free."""
    return budget is not None and now - received + age > budget
