"""Capacity: what the declared rates of all streams take of the processor, by measured costs."""

from __future__ import annotations

import time
from collections.abc import Callable

from service.core.admission import StepCost, admit
from service.lanes.lane import Lane
from service.lanes.lanes import Lanes

_FIRST_MESSAGE_SECONDS = 100e-6
"""Taken for what a step costs beside its arithmetic until that has been measured."""


class Capacity:
    def __init__(
        self,
        lanes: Lanes,
        max_utilization: float,
        processor_seconds: Callable[[], float] = time.process_time,
    ) -> None:
        """`max_utilization`: the share of one processor that may be promised.
        `processor_seconds`: what this process has spent so far.
        """
        self._lanes = lanes
        self._max_utilization = max_utilization
        self._processor_seconds = processor_seconds
        self._began = processor_seconds()
        self._message = StepCost(_FIRST_MESSAGE_SECONDS)

    def admit(self, lane: Lane, rate_hz: float, declared: float = 0.0) -> None:
        """Raises NoCapacity if a stream of this rate, which has declared `declared` so far, does
        not fit.
        """
        if rate_hz <= declared:
            return
        self._observe()
        message = self._message.seconds
        promised = sum(
            each.promised_hz * (each.step_seconds + message)
            for each in self._lanes
            if each.promised_hz
        )
        cost = lane.step_seconds + message
        admit(rate_hz, cost, promised - declared * cost, self._max_utilization)

    def _observe(self) -> None:
        """What is spent and not computing is spent on messages."""
        spent = self._processor_seconds() - self._began - self._lanes.computed()
        self._message.observe(max(0.0, spent), self._lanes.steps())
