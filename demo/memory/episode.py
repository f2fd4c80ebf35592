"""An episode on a stream of its own, one timestep per message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from demo.pace import Wait
from stepwire.sync import Stream


class Timestep(NamedTuple):
    """One of an episode's, as it is asked."""

    message: npt.ArrayLike
    """What is sent."""
    glyph: str
    """The character that stands for it."""
    told: str
    """What is to be remembered from it; empty if nothing is."""
    due: str
    """The true answer; empty where none is asked for."""


class Moment(NamedTuple):
    """A timestep, answered."""

    number: int
    """From 1 on."""
    asked: Timestep
    answer: str


class Problem(Protocol):
    """A task as the demo sees it."""

    def check(self, model: str, stream: Stream) -> None:
        """Raises InvalidInput for a model of something else, which says what to do."""

    def episode(self, rng: np.random.Generator) -> Sequence[Timestep]:
        """All of its timesteps."""

    def read(self, outputs: npt.NDArray[Any]) -> str:
        """The answer in a model's outputs."""

    def verdict(self, answered: Sequence[Moment]) -> str:
        """How the due answers of all episodes compare with the truth, in one line."""


def play(
    stream: Stream, problem: Problem, asked: Sequence[Timestep], wait: Wait
) -> Iterator[Moment]:
    """The moments of an episode as they come."""
    for place, timestep in enumerate(asked):
        wait(place)
        yield Moment(place + 1, timestep, problem.read(stream.step(timestep.message)))
