"""What is counted while a service works: plain numbers, read when someone asks for metrics.

Each is written by the one part that it belongs to, once a batch or a round where possible, and
only ever grows. A `Reading` puts them beside what holds at one moment, such as how many streams
there are.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from service.core.errors import StepFault
from service.core.streams import ModelKey


@dataclass(slots=True)
class StepCounts:
    """Of one model version, since it came into service; its lane's."""

    ran: int = 0
    """Steps that ran and were committed."""
    late: int = 0
    """Of those, the ones whose budget was spent."""
    held: int = 0
    """Steps that did not run: the previous output stood in."""
    replays: int = 0
    """Steps that had run before and were given their kept answer."""
    faults: Counter[StepFault] = field(default_factory=Counter)
    """Steps that were not accepted."""
    batches: int = 0
    """Runs of the model on behalf of steps."""
    queued: float = 0.0
    """Seconds that the steps of all batches waited, from being read to the start of their run."""
    computed: float = 0.0
    """Seconds that all runs took."""


@dataclass(slots=True)
class OpenCounts:
    """Of the streams of one process; its engine's."""

    opened: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """By the name of the error."""
    spilled: int = 0
    """Detached streams that left memory for the store, to make room for others."""


@dataclass(slots=True)
class StoreCounts:
    """Of one process and its state store; its keeper's."""

    rounds: int = 0
    """Writes of all that had changed."""
    written: int = 0
    """Records that the store took."""
    refused: int = 0
    """Records that came too late: another process has the stream."""
    failures: int = 0
    """Requests that the store did not answer, or not in time."""


@dataclass(frozen=True, slots=True)
class LaneReading:
    """One model version at one moment."""

    model: ModelKey
    slots: int
    """In use."""
    steps: StepCounts


@dataclass(frozen=True, slots=True)
class StoreReading:
    """The state store, as its keeper sees it at one moment."""

    counts: StoreCounts
    degraded_for: float | None = None
    """Seconds since the store last answered; None while it does."""
    unsaved_for: float = 0.0
    """Seconds since the oldest step that is not in the store; 0 if all are."""


@dataclass(frozen=True, slots=True)
class Readings:
    """One process at one moment: everything that its metrics are made of."""

    attached: int
    """Streams with a connection."""
    detached: int
    """Streams without one, in memory."""
    opens: OpenCounts
    lanes: tuple[LaneReading, ...]
    store: StoreReading | None
    """None without a durable store."""
