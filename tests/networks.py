"""Untrained networks, exported as packages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from export.package import export
from export.source import Source
from models.cores import states_of
from models.networks import Architecture, SequenceNetwork
from service.core.model import Array
from service.repository import manifest

FEATURES, OUTPUTS = 5, 3

# More threads beside a busy server wait for each other, for seconds at times.
torch.set_num_threads(1)

ARCHITECTURES = {
    "gru": Architecture(FEATURES, OUTPUTS, "gru", hidden=32),
    "lstm": Architecture(FEATURES, OUTPUTS, "lstm", hidden=32),
    "rnn": Architecture(FEATURES, OUTPUTS, "rnn", hidden=32),
    "gru-deep": Architecture(FEATURES, OUTPUTS, "gru", hidden=24, layers=2, input_layer=16),
    "lstm-deep": Architecture(FEATURES, OUTPUTS, "lstm", hidden=24, layers=3),
    "memoryless": Architecture(FEATURES, OUTPUTS, "none", hidden=32),
}


def network(name: str) -> SequenceNetwork:
    """The same weights each time."""
    torch.manual_seed(len(name))
    return SequenceNetwork(ARCHITECTURES[name]).eval()


def signal(rows: int, steps: int, seed: int = 0) -> Array:
    """float32[rows, steps, FEATURES]."""
    shape = (rows, steps, FEATURES)
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@torch.no_grad()
def whole(made: SequenceNetwork, inputs: Array) -> Array:
    """The outputs of whole sequences, by torch."""
    outputs: Array = made(torch.from_numpy(inputs))[0].numpy()
    return outputs


class _Step(nn.Module):
    def __init__(self, made: SequenceNetwork) -> None:
        super().__init__()
        self.made = made

    def forward(self, x: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        y, new = self.made.step(x, state)
        return y, *new


def put_network(repository: Path, name: str) -> None:
    """Exports the network into a repository as version 1."""
    made = network(name)
    shape = (made.architecture.layers, made.architecture.hidden)

    def whole_sequences(inputs: Sequence[Array]) -> list[Array]:
        return [whole(made, inputs[0])]

    source = Source(
        manifest=manifest.Manifest(
            inputs=(manifest.Tensor(name="x", shape=(FEATURES,)),),
            outputs=(manifest.Tensor(name="y", shape=(OUTPUTS,)),),
            states=tuple(
                manifest.State(
                    input=manifest.Tensor(name=state, shape=shape, batch_axis=1),
                    output=f"{state}_next",
                )
                for state in states_of(made.architecture.cell)
            ),
        ),
        step=_Step(made),
        whole=whole_sequences,
        sample=lambda rows, steps: [signal(rows, steps)],
    )
    export(source, repository / name / "1")
