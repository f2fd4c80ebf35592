"""What the parent and its processes say to each other. Times on the system's monotonic clock."""

from __future__ import annotations

from dataclasses import dataclass, field

from loadtest.interval import Interval
from loadtest.load import Load
from loadtest.talkers.talker import Served


@dataclass(frozen=True, slots=True)
class Prepare:
    """Open these streams."""

    load: Load
    streams: range


@dataclass(frozen=True, slots=True)
class Begin:
    """The steps' times count from this moment."""

    at: float


@dataclass(frozen=True, slots=True)
class Stop:
    """Send no more; end as if the time were over."""


Order = Prepare | Begin | Stop


@dataclass(frozen=True, slots=True)
class Ready:
    served: Served


@dataclass(frozen=True, slots=True)
class Refused:
    """The streams could not be opened; none is."""

    reason: str


@dataclass(frozen=True, slots=True)
class Tick:
    """What was noted since the last one."""

    intervals: dict[int, Interval]


@dataclass(frozen=True, slots=True)
class Done:
    """The streams are closed."""

    intervals: dict[int, Interval] = field(default_factory=dict)
    busy: float = 0.0
    """The process' share of a core during the run, 0 to 1 and more."""


Report = Ready | Refused | Tick | Done
