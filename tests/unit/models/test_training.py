"""Truncated back-propagation through time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from models.networks import Architecture, SequenceNetwork
from models.tasks.sine.task import Sine
from models.tasks.task import Recipe, Sequences
from models.training import Diverged, Progress, cosine, train, truncated_updates

SMALL = Recipe(rounds=2, batches=3, batch=4, window=25)
GRU = Architecture(1, 1, "gru", 8)


def gradients(network: SequenceNetwork) -> list[Tensor]:
    return [
        parameter.grad.clone() for parameter in network.parameters() if parameter.grad is not None
    ]


def updated(network: SequenceNetwork, x: Tensor, y: Tensor, recipe: Recipe) -> list[float]:
    """The losses of updates that change nothing, so that windows can be compared."""
    still = torch.optim.SGD(network.parameters(), lr=0.0)
    return list(truncated_updates(network, still, mse_loss, x, y, recipe))


@pytest.fixture
def sequences() -> tuple[Tensor, Tensor]:
    torch.manual_seed(2)
    return torch.randn(4, 30, 1), torch.randn(4, 30, 1)


def test_a_window_begins_with_the_state_of_the_one_before(
    sequences: tuple[Tensor, Tensor],
) -> None:
    x, y = sequences
    network = SequenceNetwork(GRU)
    losses = updated(network, x, y, replace(SMALL, window=10))
    whole, _ = network(x)
    expected = [
        mse_loss(whole[:, at : at + 10], y[:, at : at + 10]).item() for at in range(0, 30, 10)
    ]
    assert losses == pytest.approx(expected, rel=1e-5)


def test_the_gradient_ends_where_its_window_begins(sequences: tuple[Tensor, Tensor]) -> None:
    x, y = sequences
    network = SequenceNetwork(GRU)
    updated(network, x, y, replace(SMALL, window=15, clip=1e9))
    truncated = gradients(network)

    def of_second_half(*, cut: bool) -> list[Tensor]:
        network.zero_grad()
        _, state = network(x[:, :15])
        outputs, _ = network(x[:, 15:], tuple(h.detach() if cut else h for h in state))
        torch.autograd.backward(mse_loss(outputs, y[:, 15:]))
        return gradients(network)

    torch.testing.assert_close(truncated, of_second_half(cut=True))
    through = of_second_half(cut=False)
    assert max((a - b).abs().max() for a, b in zip(truncated, through, strict=True)) > 1e-4


def test_a_last_window_may_be_shorter(sequences: tuple[Tensor, Tensor]) -> None:
    x, y = sequences
    assert len(updated(SequenceNetwork(GRU), x, y, replace(SMALL, window=20))) == 2


def test_the_gradient_is_clipped(sequences: tuple[Tensor, Tensor]) -> None:
    x, y = sequences
    network = SequenceNetwork(GRU)
    updated(network, x, 1000 * y, replace(SMALL, window=30, clip=0.5))
    norm = torch.cat([gradient.flatten() for gradient in gradients(network)]).norm()
    assert norm.item() == pytest.approx(0.5, rel=1e-3)


def test_the_loss_falls() -> None:
    seen: list[Progress] = []
    train(Sine(), GRU, Recipe(rounds=1, batches=40, batch=16), 0, seen.append)
    assert [progress.batch for progress in seen] == list(range(1, 41))
    assert {progress.batches for progress in seen} == {40}
    first, last = (np.mean([p.loss for p in part]) for part in (seen[:5], seen[-5:]))
    assert last < first / 3


def test_a_seed_fixes_the_weights() -> None:
    one, same, other = (train(Sine(), GRU, SMALL, seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["head.weight"], other["head.weight"])


def test_the_trained_network_is_in_evaluation_mode() -> None:
    assert not train(Sine(), GRU, SMALL, 0).training


def test_a_loss_that_is_no_number_stops_the_training() -> None:
    class Broken(Sine):
        def gather(
            self, index: int, rounds: int, network: SequenceNetwork, rng: np.random.Generator
        ) -> Sequences:
            inputs, targets = super().gather(index, rounds, network, rng)
            return Sequences(inputs, np.full_like(targets, np.inf if index else 1.0))

    with pytest.raises(Diverged, match="in batch 4"):
        train(Broken(), GRU, SMALL, 0)


def test_each_round_learns_from_all_that_was_gathered() -> None:
    lengths: list[int] = []

    class Counted(Sine):
        def gather(
            self, index: int, rounds: int, network: SequenceNetwork, rng: np.random.Generator
        ) -> Sequences:
            lengths.append(index)
            values = np.full((5, 20, 1), index, np.float32)
            return Sequences(values, values)

        def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
            seen.update(targets[:, 0, 0].tolist())
            return mse_loss(outputs, targets)

    seen: set[float] = set()
    train(Counted(), GRU, Recipe(rounds=3, batches=20, batch=16), 0)
    assert lengths == [0, 1, 2]
    assert seen == {0.0, 1.0, 2.0}


def test_the_learning_rate_falls_along_a_cosine() -> None:
    assert cosine(0) == 1
    assert cosine(0.5) == pytest.approx(0.5)
    assert cosine(1) == 0


def test_without_a_window_whole_sequences_meet_targets_of_another_length() -> None:
    seen: list[tuple[tuple[int, ...], ...]] = []

    class Labelled(Sine):
        def gather(
            self, index: int, rounds: int, network: SequenceNetwork, rng: np.random.Generator
        ) -> Sequences:
            inputs, _ = super().gather(index, rounds, network, rng)
            return Sequences(inputs, inputs[:, :3])

        def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
            seen.append((tuple(outputs.shape), tuple(targets.shape)))
            return mse_loss(outputs[:, :3], targets)

    train(Labelled(), GRU, replace(SMALL, rounds=1, batches=2, window=None), 0)
    assert seen == [((4, 150, 1), (4, 3, 1))] * 2


def test_rounds_that_do_not_accumulate_may_differ_in_length() -> None:
    lengths: list[int] = []

    class Growing(Sine):
        def gather(
            self, index: int, rounds: int, network: SequenceNetwork, rng: np.random.Generator
        ) -> Sequences:
            values = np.full((5, 10 * (index + 1), 1), index, np.float32)
            return Sequences(values, values)

        def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
            lengths.append(targets.shape[1])
            assert (targets == len(targets[0]) / 10 - 1).all()
            return mse_loss(outputs, targets)

    recipe = Recipe(rounds=3, batches=2, batch=4, window=None, accumulate=False)
    train(Growing(), GRU, recipe, 0)
    assert lengths == [10, 10, 20, 20, 30, 30]


def test_a_bidirectional_network_learns_window_by_window() -> None:
    seen: list[Progress] = []
    both = replace(GRU, bidirectional=True)
    train(Sine(), both, Recipe(rounds=1, batches=30, batch=16), 0, seen.append)
    first, last = (np.mean([p.loss for p in part]) for part in (seen[:5], seen[-5:]))
    assert last < first / 3


def test_weights_that_the_last_update_broke_stop_the_training() -> None:
    class Cliff(Sine):
        def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
            return outputs.sub(outputs.detach()).abs().sqrt().sum()  # 0, of infinite slope

    with pytest.raises(Diverged, match="after the last batch"):
        train(Cliff(), GRU, Recipe(rounds=1, batches=1, window=None), 0)
