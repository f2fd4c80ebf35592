"""A request of a sequence: one timestep, and what it does to the sequence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from service.core.errors import ServiceError
from service.core.steps import Answer
from service.core.streams import StreamKey
from service.lanes.lane import Lane


class Asker(Protocol):
    """Who has sent a request, and hears of it once: what it was answered or why it was not."""

    @property
    def gone(self) -> bool:
        """Whether it hears no more. What it sent and what has not begun is not to run."""

    def read(self, request: SequenceRequest, lane: Lane) -> None:
        """Fills in its inputs, as the lane's model takes them. Raises InvalidRequest."""

    def answered(self, request: SequenceRequest, answer: Answer, lane: Lane) -> None: ...

    def refused(self, request: SequenceRequest, error: ServiceError) -> None: ...


@dataclass(slots=True, eq=False)
class SequenceRequest:
    key: StreamKey
    model: str
    version: int | None
    """None: the one that the sequence has, or the newest."""
    received: float
    """Seconds on the server's clock."""
    asker: Asker
    start: bool = False
    """Whether the sequence begins here, in the place of one that lives."""
    end: bool = False
    """Whether it ends here."""
    step: int | None = None
    """The number of the timestep, if the client keeps count."""
    timeout: float | None = None
    """Seconds from `received` on, after which the timestep is not to run any more."""
    lone: bool = False
    """Whether it belongs to no sequence: any stream of its model will do, or else a new one."""
    lane: Lane | None = None
    """Whose model `inputs` are for; None: they are yet to be read."""
    inputs: tuple[bytes, ...] = ()
    """In signature order, little-endian."""
    refusal: ServiceError | None = None
    """Why it is not to run; it is told when its turn comes."""
    tag: Any = None
    """The asker's own."""

    @property
    def begins(self) -> bool:
        """Whether a stream may begin with it."""
        return self.start or self.lone

    @property
    def is_plain(self) -> bool:
        """Whether it says nothing of its sequence but which one it is."""
        return not (self.begins or self.end) and self.step is None and self.timeout is None
