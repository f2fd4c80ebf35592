"""Timesteps that were not accepted: the log tells of each stream and reason once a call."""

from __future__ import annotations

import logging

from service.core.errors import StepFault
from service.core.steps import StepError
from service.core.streams import ModelKey, StreamKey
from service.logs import known

log = logging.getLogger(__name__)

_MOST = 1_000
"""Lines of one call."""


class Refusals:
    """Of one call."""

    __slots__ = ("_told",)

    def __init__(self) -> None:
        self._told: set[tuple[StreamKey, StepFault]] | None = None
        """None while nothing was refused: most calls wait, and have no use for a set."""

    def tell(self, stream: StreamKey, model: ModelKey, error: StepError) -> None:
        self._told = self._told or set()
        reason = stream, error.fault
        if reason not in self._told and len(self._told) < _MOST:
            self._told.add(reason)
            extra = known(stream, model, step=error.number, error=error.fault.name)
            log.warning("stream %s was refused a step: %s", stream, error.message, extra=extra)
