"""Admission: whether a stream's declared rate fits beside those that are promised already."""

from __future__ import annotations

from service.core.errors import NoCapacity

_ENOUGH_STEPS = 256
"""Fewer say little: what a server does when idle would count as theirs."""
_WEIGHT = 0.5
"""Of the newest measurement against those before."""


class StepCost:
    """Seconds that one timestep takes, as measured lately."""

    def __init__(self, first_guess: float) -> None:
        self.seconds = first_guess
        self._spent = 0.0
        self._steps = 0

    def observe(self, spent: float, steps: int) -> None:
        """`spent`: seconds that all `steps` since the beginning took."""
        more = steps - self._steps
        if more < _ENOUGH_STEPS:
            return
        self.seconds += _WEIGHT * ((spent - self._spent) / more - self.seconds)
        self._spent, self._steps = spent, steps


def admit(rate_hz: float, step_seconds: float, promised: float, max_utilization: float) -> None:
    """Raises NoCapacity if `rate_hz` timesteps a second of `step_seconds` each do not fit.

    `promised`: the share of one processor that the declared rates already take.
    """
    left = max(0.0, max_utilization - promised)
    if rate_hz * step_seconds <= left:
        return
    raise NoCapacity(
        f"{rate_hz:g} Hz do not fit: a step of this model takes {1e6 * step_seconds:.0f} us here, "
        f"and {left:.1%} of the processor is left, for {left / step_seconds:.1f} Hz; declare a "
        "lower rate, open it at another server, or raise --max-utilization"
    )
