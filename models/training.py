"""Truncated back-propagation through time, with teacher forcing.

The network reads recorded inputs, never its own outputs, and carries its state through the
whole sequence; the gradient flows back through one window of it: BPTT(h; h) of Williams and Peng,
"An efficient gradient-based algorithm for on-line training of recurrent network trajectories",
Neural Computation 2 (1990).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.cores import State
from models.networks import Architecture, SequenceNetwork
from models.tasks.task import Recipe, Sequences, Task


@dataclass(frozen=True, slots=True)
class Progress:
    batch: int
    """Batches trained, of all rounds together."""
    batches: int
    loss: float
    """Mean over the batch's windows."""


class Diverged(ArithmeticError):
    """The loss or the weights are no longer numbers."""


def train(
    task: Task,
    architecture: Architecture,
    recipe: Recipe,
    seed: int,
    on_batch: Callable[[Progress], None] = lambda progress: None,
) -> SequenceNetwork:
    """A network of `architecture`, trained. The same seed gives the same weights on one machine.

    Raises Diverged.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = SequenceNetwork(architecture)
    optimiser = torch.optim.Adam(network.parameters(), recipe.learning_rate)
    known: list[Sequences] = []
    batch = 0
    for index in range(recipe.rounds):
        gathered = task.gather(index, recipe.rounds, network, rng)
        known = [*known, gathered] if recipe.accumulate else [gathered]
        x, y = (torch.from_numpy(np.concatenate(parts)) for parts in zip(*known, strict=True))
        if index == 0:
            network.normalise(x, y)
        set_learning_rate(optimiser, recipe.learning_rate * cosine(index / recipe.rounds))
        for _ in range(recipe.batches):
            rows = torch.from_numpy(rng.integers(len(x), size=recipe.batch))
            updates = truncated_updates(network, optimiser, task.loss, x[rows], y[rows], recipe)
            loss = float(np.mean(list(updates)))
            if not math.isfinite(loss):
                raise Diverged(f"the loss became {loss} in batch {batch + 1}: lower the rate")
            batch += 1
            on_batch(Progress(batch, recipe.rounds * recipe.batches, loss))
    if not all(parameter.isfinite().all() for parameter in network.parameters()):
        raise Diverged("the weights are no longer numbers after the last batch: lower the rate")
    return network.eval()


def untrained(network: SequenceNetwork, seed: int) -> SequenceNetwork:
    """What the network was before its first update: the seed's weights, its normalisation."""
    torch.manual_seed(seed)
    fresh = SequenceNetwork(network.architecture)
    fresh.load_state_dict(dict(network.named_buffers()), strict=False)
    return fresh.eval()


def truncated_updates(
    network: SequenceNetwork,
    optimiser: torch.optim.Optimizer,
    loss: Callable[[Tensor, Tensor], Tensor],
    x: Tensor,
    y: Tensor,
    recipe: Recipe,
) -> Iterator[float]:
    """One update for each window of the sequences x [B, T, F], y [B, T, ...]; yields its loss.

    The state enters a window as the window before left it, cut from the gradient. A bidirectional
    network knows nothing before or after its window.
    """
    state: State | None = None
    for inputs, targets in _windows(x, y, recipe.window):
        outputs, state = network(inputs, state)
        value = loss(outputs, targets)
        optimiser.zero_grad()
        torch.autograd.backward(value)
        torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.clip)
        optimiser.step()
        yield float(value.detach())
        if network.architecture.bidirectional:
            state = None
        else:
            state = tuple(carried.detach() for carried in state)


def _windows(x: Tensor, y: Tensor, window: int | None) -> Iterator[tuple[Tensor, Tensor]]:
    if window is None:
        yield x, y
        return
    for start in range(0, x.shape[1], window):
        steps = slice(start, start + window)
        yield x[:, steps], y[:, steps]


def cosine(progress: float) -> float:
    """1 at progress 0, falling along a half cosine to 0 at progress 1."""
    return (1 + math.cos(math.pi * progress)) / 2


def set_learning_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate
