"""Saving: for each slot, how much of its stream is in the state store."""

from __future__ import annotations

import numpy as np

from service.core.model import Array


class Saving:
    """Arrays by slot, so that what is unsaved among thousands of streams is found at once."""

    def __init__(self) -> None:
        self._durable_step = np.zeros(0, np.int64)
        self._saved_at = np.zeros(0)
        self._touched = np.zeros(0, bool)

    def reserve(self, capacity: int) -> None:
        """Makes room for slots below `capacity`; what is there stays."""
        missing = capacity - len(self._durable_step)
        if missing > 0:
            self._durable_step = np.append(self._durable_step, np.zeros(missing, np.int64))
            self._saved_at = np.append(self._saved_at, np.zeros(missing))
            self._touched = np.append(self._touched, np.zeros(missing, bool))

    def start(self, slot: int, durable_step: int, now: float) -> None:
        """The stream is in the store as it is, at `durable_step`."""
        self._durable_step[slot] = durable_step
        self._saved_at[slot] = now
        self._touched[slot] = False

    def durable_step(self, slot: int) -> int:
        """The steps before it are in the store."""
        return self._durable_step.item(slot)

    def touch(self, slot: int) -> None:
        """Something else than its steps has changed, and is to be saved too."""
        self._touched[slot] = True

    def unsaved(self, next_steps: Array, stale: float) -> Array:
        """Slots to save, int64: those with other next steps, touched ones, and those that were
        saved before `stale`, which the store would forget in time.

        `next_steps`: int64, by slot.
        """
        changed = next_steps != self._durable_step
        return np.flatnonzero(changed | self._touched | (self._saved_at < stale))

    def saved(self, slot: int, step: int, now: float) -> None:
        """The store has the stream as it was at `step`, taken at `now`."""
        self._durable_step[slot] = step
        self._saved_at[slot] = now
        self._touched[slot] = False
