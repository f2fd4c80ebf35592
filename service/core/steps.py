"""A timestep on its way through the service, and the answers it may get."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from service.core.checksums import checksum
from service.core.errors import StepFault
from service.core.lateness import Verdict


@dataclass(slots=True, eq=False)
class Step:
    """One message: the inputs of one timestep. Times in seconds on the server's clock."""

    number: int
    inputs: tuple[bytes, ...]
    """In signature order, little-endian, as they came: sizes are not yet checked."""
    received: float
    budget: float | None = None
    age: float = 0.0
    """Time already spent at the client."""
    verdict: Verdict | None = None
    """Set on a step that was answered before: its verdict is given again."""

    @property
    def checksum(self) -> int:
        """Of the inputs."""
        return checksum(self.inputs)


class Output(NamedTuple):
    number: int
    outputs: tuple[bytes, ...]
    verdict: Verdict
    batch_size: int = 0
    """Streams that shared the run; 0 if nothing ran for this answer."""
    queued: float = 0.0
    """Seconds from reading the message to starting the run."""
    computed: float = 0.0
    """Seconds of the whole batch's run."""
    finished: float = 0.0
    """When the run ended, on the server's clock; 0 if nothing ran for this answer."""


class StepError(NamedTuple):
    """The step was not accepted: the state is untouched and the number not consumed."""

    number: int
    fault: StepFault
    message: str
    next_step: int


Answer = Output | StepError
