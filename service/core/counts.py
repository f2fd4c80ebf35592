"""What is counted while a service works: plain numbers, read when someone asks for metrics.

Each is written by the one part that it belongs to, once a batch or a round where possible, and
only ever grows. What can be asked for at any time, such as how many streams there are, is not
counted here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from service.core.errors import StepFault


@dataclass(slots=True)
class StepCounts:
    """Of one model version, since it came into service; its scheduler's."""

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
    """Of one process; its engine's."""

    opened: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """By the name of the error."""


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
