"""What a task is to the trainer: sequences to learn from, a loss, and an honest score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor

from models.networks import Kind, SequenceNetwork

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = npt.NDArray[Any]
"""float32, or int64 where its elements are symbols."""

Score = Mapping[str, float | None]
"""Measures by name, the unit in the name; None where there was nothing to measure."""


class TaskRefused(ValueError):
    """The task cannot be set as its options say; the message is one line and says what to do."""


@dataclass(frozen=True, slots=True)
class Headline:
    """The measure of a score by which a network is judged where one figure must do."""

    measure: str
    better: Literal["lower", "higher"]
    ceilings: tuple[str, ...] = ()
    """Baselines that see more than a network does: something to come near, not to beat."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What a network reads or writes at each timestep."""

    name: str
    features: tuple[str, ...]
    """One for each element, with its unit; of log-probabilities, the symbol it is for."""
    symbols: tuple[str, ...] = ()
    """What each whole number stands for, where an input is a symbol: it then has one element."""
    kind: Kind = "values"
    """What an output is."""


class Sequences(NamedTuple):
    inputs: Array
    """float32 [N, T, F] in raw units, or int64 [N, T, 1] of symbols."""
    targets: Array
    """[N, T, ...], or [N, ...] where `Recipe.window` is None: whatever the loss compares with."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How long and how hard to train."""

    rounds: int
    """How often the task gathers sequences."""
    batches: int
    """Batches a round."""
    batch: int = 32
    """Sequences in a batch."""
    window: int | None = 50
    """Timesteps through which the gradient flows back, an update each; None: whole sequences."""
    learning_rate: float = 4e-3
    """Adam's at the start; it falls along a half cosine towards zero."""
    clip: float = 1.0
    """The largest norm of an update's gradient."""
    accumulate: bool = True
    """A round draws from all sequences gathered so far; else from its own, which may then be of
    another length."""


class Task(Protocol):
    """Made from the options of its command; raises TaskRefused where it is made or gathers."""

    name: str
    inputs: Signal
    outputs: Signal
    recipe: Recipe
    """Suits a network of the task's default size."""
    headline: Headline

    def gather(
        self, index: int, rounds: int, network: SequenceNetwork, rng: np.random.Generator
    ) -> Sequences:
        """Those of round `index` of `rounds`, from 0; they may be of the network's own making."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """A scalar to make small, of outputs [B, T, O] and their targets."""

    def score(self, network: SequenceNetwork) -> Score:
        """On held-out sequences, the same ones for every network."""

    def baselines(self) -> Mapping[str, Score]:
        """What does without a network, by name, on the same held-out sequences."""

    def sample(self, rows: int, steps: int) -> Array:
        """Inputs [rows, steps, F] such as a served network meets; the same at each call."""

    def draw(self, network: SequenceNetwork, axes: Axes) -> None:
        """One held-out example, for the run's plot."""
