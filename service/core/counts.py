"""What is counted while a service works: plain numbers, read when someone asks for metrics.

Each is written by the one part that it belongs to, once a batch or a round where possible, and
only ever grows: a version that comes into service again counts on. A `Reading` puts them beside
what holds at one moment, such as how many streams there are.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from service.core.errors import StepFault, StreamMoved, StreamTakenOver
from service.core.histogram import Histogram
from service.core.streams import ModelKey


@dataclass(slots=True)
class StepCounts:
    """Of one model version; its lane's. Histograms are of seconds."""

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
    sizes: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    """Runs of the model on behalf of steps, by how many streams each was for."""
    queue: Histogram = field(default_factory=Histogram)
    """Of each step that ran: from being read to the start of its run."""
    compute: Histogram = field(default_factory=Histogram)
    """Of each run: from its start until what it gave is at hand."""
    seconds: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    """Of the same, in all, by how many streams the run was for."""
    last: float = 0.0
    """When a run last ended; seconds on the server's clock."""
    write: Histogram = field(default_factory=Histogram)
    """Of each step that ran: from the end of its run until gRPC is given the answer."""
    jitter: Histogram = field(default_factory=Histogram)
    """Of each step that ran, from the third of its stream on: see `arrivals`."""

    @property
    def batches(self) -> int:
        """Runs of the model on behalf of steps."""
        return sum(self.sizes.values())

    def add(self, former: StepCounts) -> None:
        """Goes on from what was counted before."""
        self.ran += former.ran
        self.late += former.late
        self.held += former.held
        self.replays += former.replays
        self.faults.update(former.faults)
        for size, runs in former.sizes.items():
            self.sizes[size] += runs
            self.seconds[size] += former.seconds[size]
        self.last = max(self.last, former.last)
        self.queue.add_all(former.queue)
        self.compute.add_all(former.compute)
        self.write.add_all(former.write)
        self.jitter.add_all(former.jitter)


@dataclass(slots=True)
class StreamCounts:
    """Of one model version; its lane's."""

    opened: int = 0
    closed: int = 0
    """Streams that their clients have ended, or started anew."""
    expired: int = 0
    """Streams that nobody advanced for too long, and that are gone."""
    spilled: int = 0
    """Detached streams that left memory for the store, to make room for others."""
    lost: Counter[str] = field(
        default_factory=lambda: Counter({StreamTakenOver.name: 0, StreamMoved.name: 0})
    )
    """Streams that go on elsewhere, by the name of the error that their connection was told."""

    def add(self, former: StreamCounts) -> None:
        """Goes on from what was counted before."""
        self.opened += former.opened
        self.closed += former.closed
        self.expired += former.expired
        self.spilled += former.spilled
        self.lost.update(former.lost)


@dataclass(slots=True)
class OpenCounts:
    """Of one process, whatever the model; its engine's."""

    refused: Counter[str] = field(default_factory=Counter)
    """Streams that were not opened, by the name of the error."""
    calls: Counter[str] = field(default_factory=lambda: Counter(native=0, fleet=0, inference=0))
    """Open calls that carry steps, by the protocol they speak; each counts itself."""


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
    durations: Histogram = field(default_factory=Histogram)
    """Of each round that the store took, in seconds."""


@dataclass(slots=True)
class RowCounts:
    """Of one model version whose device holds the states of some slots only; its residency's."""

    entered: int = 0
    """States that came into the device's memory, for a step of their streams."""
    spilled: int = 0
    """States that left it for the host's, to make room for others."""

    def add(self, former: RowCounts) -> None:
        """Goes on from what was counted before."""
        self.entered += former.entered
        self.spilled += former.spilled


@dataclass(frozen=True, slots=True)
class RowsReading:
    """The rows of a device's memory at one moment, where they do not hold every slot."""

    rows: int
    used: int
    counts: RowCounts


@dataclass(frozen=True, slots=True)
class LaneReading:
    """One model version at one moment."""

    model: ModelKey
    slots: int
    """In use."""
    steps: StepCounts
    streams: StreamCounts = field(default_factory=StreamCounts)
    detached: int = 0
    """Streams without a connection; the other slots are of streams that have one."""
    device: RowsReading | None = None
    """None where every slot has its row."""

    def add_to(self, lane: LaneReading) -> None:
        """Has a lane of the same version, which has counted nothing yet, count on from this."""
        lane.steps.add(self.steps)
        lane.streams.add(self.streams)
        if lane.device and self.device:
            lane.device.counts.add(self.device.counts)

    def out_of_service(self) -> LaneReading:
        """What stays of it: its counts."""
        device = self.device and replace(self.device, rows=0, used=0)
        return replace(self, slots=0, detached=0, device=device)


@dataclass(frozen=True, slots=True)
class StoreReading:
    """The state store, as its keeper sees it at one moment."""

    counts: StoreCounts
    degraded_for: float | None = None
    """Seconds since the store last answered; None while it does."""
    unsaved_for: Mapping[ModelKey, float] = field(default_factory=dict)
    """By model version: seconds since its oldest step that is not in the store, or up to a round
    more; 0 if all are.
    """


@dataclass(frozen=True, slots=True)
class Readings:
    """One process at one moment: everything that its metrics are made of."""

    opens: OpenCounts
    lanes: tuple[LaneReading, ...]
    store: StoreReading | None
    """None without a durable store."""
    limit: int = 0
    """Streams that it keeps at most."""
    past: tuple[LaneReading, ...] = ()
    """Of versions that have left service: their counts."""

    @property
    def versions(self) -> tuple[LaneReading, ...]:
        """All that have been in service."""
        return self.lanes + self.past

    @property
    def detached(self) -> int:
        """Streams without a connection, in memory."""
        return sum(lane.detached for lane in self.lanes)

    @property
    def attached(self) -> int:
        """Streams with a connection."""
        return sum(lane.slots for lane in self.lanes) - self.detached
