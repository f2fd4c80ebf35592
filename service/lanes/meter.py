"""A meter: what the runs of a lane take of the processor.

To ask the system how long a thread was at work takes as long as a tenth of a short run, so of
those one in some is timed, and stands for the others.
"""

from __future__ import annotations

from service.core.admission import StepCost
from service.core.run_cost import RunCost

_EACH = 17
"""One short run of so many is timed: odd, so that of two kinds by turns both are met."""
_LONG = 1e-3
"""Seconds from which on each run is timed."""


class Meter:
    def __init__(self, cost: RunCost) -> None:
        self.spent = 0.0
        """Seconds of the processor that all runs took."""
        self._cost = cost
        self._step = StepCost(cost.lone)
        self._spent_alone = 0.0
        self._ran_alone = 0
        self._passed = 0
        """Short runs since the last one of them that was timed."""
        self._stands_for = 1
        """Runs that the timed one stands for."""

    @property
    def step_seconds(self) -> float:
        """Of the processor, that a timestep of one stream takes in a run by itself."""
        self._step.observe(self._spent_alone, self._ran_alone)
        return self._step.seconds

    def begin(self, rows: int) -> bool:
        """A run of so many streams comes next. Whether it is to be timed."""
        if self._cost.seconds(rows) >= _LONG:
            self._stands_for = 1
            return True
        self._passed += 1
        if self._passed < _EACH:
            return False
        self._stands_for, self._passed = self._passed, 0
        return True

    def note(self, rows: int, spent: float) -> None:
        """The timed run took so many seconds of its thread."""
        spent *= self._cost.processors
        self.spent += spent * self._stands_for
        if rows == 1:
            self._spent_alone += spent
            self._ran_alone += 1
