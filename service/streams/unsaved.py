"""For how long model versions have had steps that are not in the state store."""

from __future__ import annotations

import math
from collections.abc import Mapping

from service.core.streams import ModelKey
from service.lanes.lanes import Lanes


class Unsaved:
    """Goes by looks: between two of them, a step may have run at any time."""

    def __init__(self, lanes: Lanes, now: float) -> None:
        self._lanes = lanes
        self._looked = now
        self._clean: dict[ModelKey, float] = {}
        """When each version was last known to have no such step."""

    def look(self, now: float) -> None:
        self._clean = {
            lane.model: self._known(lane.model) if lane.unsaved(-math.inf) else now
            for lane in self._lanes
        }
        self._looked = now

    def saved(self, started: float) -> None:
        """The store has every step from before then."""
        self._clean = {lane.model: max(started, self._known(lane.model)) for lane in self._lanes}

    def ages(self, now: float) -> Mapping[ModelKey, float]:
        """Of each version: seconds since its oldest such step, or up to a look more; 0: none."""
        self.look(now)
        return {model: now - since for model, since in self._clean.items()}

    def _known(self, model: ModelKey) -> float:
        """A version that came since the last look had no steps then."""
        return self._clean.get(model, self._looked)
