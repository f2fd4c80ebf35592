"""Whether the service takes streams, and if not, why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Phase(StrEnum):
    STARTING = "starting"
    SERVING = "serving"
    DRAINING = "draining"
    LOST = "without its device"
    """Which computes no more: the process ends, for another one to go on from the store."""
    SILENT = "silent"
    """A worker that does not answer its parent."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Of one process, or of the service that its workers make up."""

    phase: Phase
    degraded_for: float | None = None
    """Seconds since the state store last answered; None while it does.

    Streams in memory go on meanwhile, so a degraded service is ready.
    """
    workers: Mapping[str, Readiness] = field(default_factory=dict)
    device: str = ""
    """On which its models run; empty of one that is not up."""

    @property
    def ready(self) -> bool:
        return self.phase is Phase.SERVING

    @property
    def reason(self) -> str:
        """What an operator reads."""
        if self.phase is Phase.DRAINING or not _unready(self.workers):
            return self.phase
        return ", ".join(f"worker {name} is {one.phase}" for name, one in _unready(self.workers))


def combined(workers: Mapping[str, Readiness], draining: bool) -> Readiness:
    """The service starts until all its workers serve, and is as degraded as the worst."""
    phase = Phase.STARTING if _unready(workers) else Phase.SERVING
    outages = [one.degraded_for for one in workers.values() if one.degraded_for is not None]
    devices = sorted({one.device for one in workers.values() if one.device})
    return Readiness(
        Phase.DRAINING if draining else phase,
        max(outages, default=None),
        dict(workers),
        ", ".join(devices),
    )


def _unready(workers: Mapping[str, Readiness]) -> list[tuple[str, Readiness]]:
    return [(name, one) for name, one in workers.items() if not one.ready]
