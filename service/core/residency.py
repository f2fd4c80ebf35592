"""Residency: which slots have a row of the device's memory, where it has rows for some of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from service.core.counts import RowCounts, RowsReading
from service.core.model import Array
from service.core.slots import Index, as_numbers, count

_NONE = np.empty(0, np.int64)
_NOWHERE = -1
_NEVER = -1
_SHORTEST_LINE = 256
_LINES = 16
"""Of many rows, this part is put in order at a time."""


class Decision(NamedTuple):
    """What makes all slots of a batch resident. Every array is int64."""

    rows: Array
    """Where each slot of the batch is then, in the order of the batch."""
    entering: Array = _NONE
    """Slots that come in."""
    taken: Array = _NONE
    """The row that each of them takes, ascending."""
    leaving: Array = _NONE
    """Slots that go out: the tenants of the rows that are taken."""
    left: Array = _NONE
    """The row that each of them leaves, ascending."""


class Residency:
    """A slot is resident, with a row that no other has, or is not.

    A slot that comes in takes a free row, else that of the slot which has not been in a batch for
    the longest time; never one of its own batch. A decision is carried out, with `leave` and then
    `enter`, before the next one is asked for: what fails in between leaves every slot where its
    state is.
    """

    def __init__(self, rows: int, max_batch: int) -> None:
        """`rows`: of the device. Raises ValueError if they do not hold a batch."""
        if not 1 <= max_batch <= rows:
            raise ValueError(
                f"a batch of {max_batch} streams needs as many rows, and there are {rows}"
            )
        self.max_batch = max_batch
        self.counts = RowCounts()
        self._row = np.empty(0, np.int64)  # by slot
        self._tenant = np.full(rows, _NOWHERE)  # by row
        self._stepped = np.full(rows, _NEVER)  # by row, the number of its tenant's last batch
        self._batches = 0
        self._line = _NONE  # rows to take, the first one first
        self._lined = 0  # the last batch before the line was made

    @property
    def capacity(self) -> int:
        """One more than the highest slot there is room for."""
        return len(self._row)

    @property
    def rows(self) -> int:
        """Of the device."""
        return len(self._tenant)

    @property
    def used(self) -> int:
        """Slots that are resident."""
        return int(np.count_nonzero(self._tenant >= 0))

    def reading(self) -> RowsReading:
        return RowsReading(self.rows, self.used, self.counts)

    def reserve(self, capacity: int) -> None:
        """Makes room for slots below `capacity`; those that come to be are not resident."""
        more = max(0, capacity - self.capacity)
        self._row = np.concatenate([self._row, np.full(more, _NOWHERE)])

    def rows_of(self, slots: Index) -> Array:
        """int64 [slots], the row of each, or -1."""
        return self._row[slots]

    def free(self, slot: int) -> None:
        """Takes the row of the slot, if it has one: its state there is of no use any more."""
        row = self._row[slot]
        if row >= 0:
            self._row[slot] = self._tenant[row] = _NOWHERE
            self._stepped[row] = _NEVER
            self._line = np.concatenate([[row], self._line[self._line != row]])

    def decide(self, slots: Index) -> Decision:
        """`slots`: of one batch, each once. Raises ValueError if they are more than `max_batch`."""
        if count(slots) > self.max_batch:
            raise ValueError(
                f"a batch of {count(slots)} streams is larger than {self.max_batch}, the largest"
            )
        self._batches += 1
        rows = self._row[slots].copy()
        absent = rows < 0
        if not absent.any():
            self._stepped[rows] = self._batches
            return Decision(rows)
        self._stepped[rows[~absent]] = self._batches
        entering = as_numbers(slots)[absent]
        taken = np.sort(self._oldest(len(entering)))
        tenants = self._tenant[taken]
        rows[absent] = taken
        lent = tenants >= 0
        return Decision(rows, entering, taken, tenants[lent], taken[lent])

    def leave(self, decision: Decision) -> None:
        """The states of the leaving slots are elsewhere: their rows are free."""
        self._row[decision.leaving] = _NOWHERE
        self._tenant[decision.left] = _NOWHERE
        self.counts.spilled += len(decision.leaving)

    def enter(self, decision: Decision) -> None:
        """The states of the entering slots are in the rows that were free or have been left."""
        self._row[decision.entering] = decision.taken
        self._tenant[decision.taken] = decision.entering
        self._stepped[decision.taken] = self._batches
        self.counts.entered += len(decision.entering)

    def _oldest(self, number: int) -> Array:
        """Rows that are free or whose tenants have not stepped for the longest time."""
        self._line = self._line[self._stepped[self._line] <= self._lined]
        if len(self._line) < number:
            # To sort all rows for each batch would cost more than most runs do. What steps after
            # the line was made leaves it, and what remains is still the oldest.
            self._lined = self._batches - 1
            length = max(number, _SHORTEST_LINE, self.rows // _LINES)
            self._line = np.argsort(self._stepped, kind="stable")[:length]
        return self._line[:number]
