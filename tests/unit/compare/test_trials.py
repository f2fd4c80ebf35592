"""One training of a comparison."""

from __future__ import annotations

import numpy as np
import torch

from compare.trials import attempt, curve
from models.memory import gradient_norms, memory_length
from models.networks import Architecture, SequenceNetwork
from models.tasks.sine.task import Sine
from models.tasks.task import Recipe, Sequences
from models.training import Progress, train, untrained

RECIPE = Recipe(rounds=2, batches=3, batch=4)
GRU = Architecture(1, 1, "gru", 6)
SAMPLE = Sine().sample(2, 40)


class Broken(Sine):
    """Its second round cannot be learned."""

    def gather(
        self, index: int, rounds: int, network: SequenceNetwork, rng: np.random.Generator
    ) -> Sequences:
        inputs, targets = super().gather(index, rounds, network, rng)
        return Sequences(inputs, np.full_like(targets, np.inf) if index else targets)


def test_a_trial_is_scored_and_asked_how_far_it_remembers() -> None:
    seen: list[Progress] = []
    trial, network = attempt(Sine(), GRU, RECIPE, 5, SAMPLE, seen.append)
    assert network is not None
    assert trial.score == Sine().score(network)
    norms = gradient_norms(network, SAMPLE)
    assert trial.norms_after == tuple(norms)
    assert trial.memory_length == memory_length(norms)
    assert trial.norms_before != trial.norms_after
    assert trial.seed == 5 and trial.seconds > 0 and trial.failure is None
    assert [progress.batch for progress in seen] == list(trial.batches) == [1, 2, 3, 4, 5, 6]
    assert list(trial.losses) == [progress.loss for progress in seen]


def test_a_training_that_diverges_is_a_trial_without_a_score() -> None:
    trial, network = attempt(Broken(), GRU, RECIPE, 0, SAMPLE, lambda progress: None)
    assert network is None
    assert trial.score is None and trial.memory_length is None
    assert trial.failure is not None and "in batch 4" in trial.failure
    assert trial.batches == (1, 2, 3)


def test_the_untrained_network_is_the_one_that_training_began_with() -> None:
    still = Recipe(rounds=1, batches=1, batch=4, learning_rate=1e-30)
    trained = train(Sine(), GRU, still, 7)
    fresh = untrained(trained, 7)
    torch.testing.assert_close(dict(fresh.state_dict()), dict(trained.state_dict()))
    assert fresh.input_std.item() != 1  # raw units are scaled before the training too
    assert not torch.equal(untrained(trained, 8).head.weight, fresh.head.weight)


def test_a_curve_is_the_mean_of_neighbouring_batches() -> None:
    batches, losses = curve([float(loss) for loss in range(240)])
    assert batches == tuple(range(2, 241, 2))
    assert losses[:2] == (0.5, 2.5)
    assert curve([4.0, 2.0]) == ((1, 2), (4.0, 2.0))
    assert curve([]) == ((), ())
