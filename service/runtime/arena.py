"""The arena: the states of all streams of a model, one array per state, indexed by slot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from service.core.model import Array, StateSpec
from service.core.slots import Index


class Arena:
    """In each array the slots take the place of the batch axis."""

    def __init__(self, states: Sequence[StateSpec]) -> None:
        self._states = tuple(states)
        self._leads = [(slice(None),) * s.input.batch_axis for s in states]
        self._arrays = [np.zeros(s.input.batched(0), s.input.dtype) for s in states]

    def reserve(self, capacity: int) -> None:
        """Makes room for slots below `capacity`; what is there stays."""
        for position, (state, array) in enumerate(zip(self._states, self._arrays, strict=True)):
            known = array.shape[state.input.batch_axis]
            if capacity > known:
                # Zeros take no memory until they are written to.
                self._arrays[position] = np.zeros(state.input.batched(capacity), array.dtype)
                state.input.rows_first(self._arrays[position])[:known] = state.input.rows_first(
                    array
                )

    def start(self, slot: int) -> None:
        """Sets the slot to the initial state."""
        for state, array in zip(self._states, self._arrays, strict=True):
            state.input.rows_first(array)[slot] = state.initial

    def restore(self, slot: int, states: Sequence[bytes]) -> None:
        """Sets the slot to saved states. Raises ValueError, and changes nothing, if one does not
        fit.
        """
        specs = [state.input for state in self._states]
        rows = [
            np.frombuffer(data, spec.dtype).reshape(spec.shape)
            for data, spec in zip(states, specs, strict=True)
        ]
        for spec, array, row in zip(specs, self._arrays, rows, strict=True):
            spec.rows_first(array)[slot] = row

    def save(self, slots: Array) -> list[tuple[bytes, ...]]:
        """Per slot of `slots`, int64 [rows], what `restore` takes: one per state, in C order."""
        columns = [
            [row.tobytes() for row in state.input.rows_first(array)[slots]]
            for state, array in zip(self._states, self._arrays, strict=True)
        ]
        return list(zip(*columns, strict=True)) if columns else [()] * len(slots)

    def gather(self, slots: Index) -> list[Array]:
        """The states of `slots`, as the graph takes them, until the next scatter."""
        return [
            array[(*lead, slots)] for lead, array in zip(self._leads, self._arrays, strict=True)
        ]

    def scatter(self, slots: Index, states: Sequence[Array]) -> None:
        """Replaces the states of `slots`; `states` as from `gather`."""
        for lead, array, new in zip(self._leads, self._arrays, states, strict=True):
            array[(*lead, slots)] = new
