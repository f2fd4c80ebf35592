"""The stepper: advances the states of some slots by one timestep."""

from __future__ import annotations

from collections.abc import Sequence, Set
from copy import copy
from typing import Protocol, Self

from service.core.batch import BatchResult
from service.core.counts import RowsReading
from service.core.model import Array, Signature, Tensors
from service.core.run_cost import FREE, RunCost
from service.core.slots import Index, as_numbers, count
from service.runtime.arena import Arena, MakeStates, StateRows
from service.runtime.batching import Batching, Taken, WrongShape
from service.runtime.bound import BoundGraph, BoundRuns
from service.runtime.device import Device, DeviceArray
from service.runtime.plain import PlainRuns, StepFunction, rows_of

__all__ = ["Batching", "Stepper", "Taken", "WrongShape"]


class Runs(Protocol):
    """Runs a model, one batch after another."""

    device: Device
    """Where it takes states and gives new ones."""

    def take(self, states: StateRows, slots: Index, inputs: Sequence[Tensors]) -> Taken: ...

    def run(self, taken: Taken) -> BatchResult: ...

    def warm_up(self, rows: int) -> None:
        """Prepares for runs of up to so many rows."""


class Stepper:
    """One batch at a time: what is taken is run, and kept or dropped, before the next is taken.

    `run` may be called in any thread, all else in one.
    """

    def __init__(
        self,
        function: StepFunction | BoundGraph,
        signature: Signature,
        batching: Batching = Batching.ANY,
        cost: RunCost = FREE,
        states: MakeStates = Arena,
    ) -> None:
        """`states`: makes what keeps them, for the device of the runs. Raises what it raises."""
        self.signature = signature
        self.cost = cost
        self.batching = batching
        self._runs: Runs
        if isinstance(function, BoundGraph) and batching is not Batching.ONE:
            self._runs = BoundRuns(function, signature, batching)
        else:
            by_feeds = function.by_feeds if isinstance(function, BoundGraph) else function
            self._runs = PlainRuns(by_feeds, signature, batching)
        self._states = states(signature.states, self._runs.device)
        self._taken: Sequence[DeviceArray] = ()
        """The states of the slots that were taken last, before their run."""

    def apart(self) -> Self:
        """One that runs the same and keeps its states elsewhere: these are not touched."""
        other = copy(self)
        other._states = Arena(self.signature.states, self._runs.device)
        return other

    def reserve(self, capacity: int) -> None:
        """Makes room for slots below `capacity`. Raises MemoryError where there is none."""
        self._states.reserve(capacity)

    def warm_up(self, rows: int) -> None:
        """Prepares for runs of up to so many rows: none takes longer for being the first."""
        self._runs.warm_up(rows)

    def start(self, slot: int) -> None:
        """Sets the slot to the initial state."""
        self._states.start(slot)

    def restore(self, slot: int, states: Sequence[bytes]) -> None:
        """Sets the slot to saved states. Raises ValueError if they do not fit."""
        self._states.restore(slot, states)

    def free(self, slot: int) -> None:
        """The state of the slot is of no use any more."""
        self._states.free(slot)

    def reading(self) -> RowsReading | None:
        """Of the device's rows, where they do not hold every slot."""
        return self._states.reading()

    def save(self, slots: Array) -> list[tuple[bytes, ...]]:
        """The states of each of `slots`, int64 [rows], as `restore` takes them."""
        return self._states.save(slots)

    def step(self, slots: Index, inputs: Sequence[Tensors]) -> BatchResult:
        """Runs one timestep of every slot and keeps the new states.

        `slots`: each once. `inputs`: for each input of the signature,
        the rows' elements one after another. A row with an unknown symbol or a NaN or Inf in
        its inputs, a NaN or Inf in its outputs or its new states, or without which the others
        can run, is a fault, and its states stay as they were. Raises what the runtime raises if
        a single row cannot run.
        """
        result = self.run(self.take(slots, inputs))
        self.keep(slots, result)
        return result

    def take(self, slots: Index, inputs: Sequence[Tensors]) -> Taken:
        """What `step` begins with."""
        taken = self._runs.take(self._states, slots, inputs)
        self._taken = taken.arrays[len(self.signature.inputs) :]
        return taken

    def run(self, taken: Taken) -> BatchResult:
        """What `step` does in between. The states of the result are there until the next run."""
        return self._runs.run(taken)

    def keep(self, slots: Index, result: BatchResult, absent: Set[int] = frozenset()) -> None:
        """Replaces the states, except those of faulty and `absent` rows. Where that fails, each
        stream has all of its former ones again.
        """
        out = result.faults.keys() | absent
        good = [row for row in range(count(slots)) if row not in out] if out else None
        if good == []:
            return
        try:
            self._replace(slots, result.states, good)
        except Exception:
            self._replace(slots, self._taken, good)
            raise
        self._taken = ()

    def _replace(self, slots: Index, states: Sequence[DeviceArray], rows: list[int] | None) -> None:
        """`rows`: which of them; None: all."""
        if rows is not None:
            specs = [state.input for state in self.signature.states]
            self._runs.device.use()
            slots, states = as_numbers(slots)[rows], rows_of(states, specs, rows)
        self._states.scatter(slots, states)
