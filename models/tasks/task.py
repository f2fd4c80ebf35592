"""What a task is to the trainer: sequences to learn from, a loss, and an honest score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor

from models.networks import SequenceNetwork

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = npt.NDArray[np.float32]

Score = Mapping[str, float | None]
"""Measures by name, the unit in the name; None where there was nothing to measure."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What a network reads or writes at each timestep."""

    name: str
    features: tuple[str, ...]
    """One for each element, with its unit."""


class Sequences(NamedTuple):
    inputs: Array
    """[N, T, F], raw units."""
    targets: Array
    """[N, T, O], raw units."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How long and how hard to train."""

    rounds: int
    """How often the task gathers sequences; each round trains on all gathered so far."""
    batches: int
    """Batches a round, drawn from all gathered sequences."""
    batch: int = 32
    """Sequences in a batch."""
    window: int = 50
    """Timesteps through which the gradient flows back; an update each."""
    learning_rate: float = 4e-3
    """Adam's at the start; it falls along a half cosine towards zero."""
    clip: float = 1.0
    """The largest norm of an update's gradient."""


class Task(Protocol):
    name: str
    inputs: Signal
    outputs: Signal
    recipe: Recipe
    """Suits a network of the default size."""

    def gather(self, index: int, network: SequenceNetwork, rng: np.random.Generator) -> Sequences:
        """The sequences of training round `index`; they may be of the network's own making."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """A scalar to make small, of outputs and targets [B, T, O]."""

    def score(self, network: SequenceNetwork) -> Score:
        """On held-out sequences, the same ones for every network."""

    def baselines(self) -> Mapping[str, Score]:
        """What does without a network, by name, on the same held-out sequences."""

    def sample(self, rows: int, steps: int) -> Array:
        """Inputs [rows, steps, F] such as a served network meets; the same at each call."""

    def draw(self, network: SequenceNetwork, axes: Axes) -> None:
        """One held-out example, for the run's plot."""
