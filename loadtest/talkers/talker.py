"""What every protocol offers a load."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from loadtest.schedule import Arrival

PATIENCE = 20.0
"""Seconds that opening or closing streams may take."""
OPENED = 2.0
"""Seconds that the opens under way are waited for when a load ends before it began: what a server
opens for nobody would stay with it."""
PAUSE = 0.5
"""Seconds until a stream whose conversation broke is opened again."""
OPENING = 50
"""Streams that are being opened at a time: servers turn calls away at random where many wait."""


class Served(NamedTuple):
    """The model that answers."""

    model: str
    version: int
    digest: str
    """Empty where the protocol does not say."""
    inputs: tuple[str, ...]


class Answer(NamedTuple):
    """What became of a step. Times in seconds."""

    error: str | None = None
    """The kind of error; None: it ran."""
    lost: bool = False
    """Nothing came: the error is that of the conversation, which broke."""
    next_step: int = 0
    """After an error: the number that the server waits for."""
    batch_size: int = 0
    queued: float = 0.0
    computed: float = 0.0


class Ears(Protocol):
    """Who is told what becomes of each step."""

    def heard(self, arrival: Arrival, answer: Answer) -> None: ...


class Talker(Protocol):
    """The streams of one connection."""

    async def open(self) -> Served:
        """Opens all streams. Raises a StepwireError if one is refused."""

    def due(self, arrival: Arrival) -> None:
        """Takes a step of one of its streams, and sends it as soon as the stream has room."""

    async def close(self) -> list[Arrival]:
        """Ends the streams; returns the steps that were taken and never answered."""
