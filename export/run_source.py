"""A trained run as the source of an export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from export.source import ExportRefused, Source
from models import runs, tasks
from models.networks import STATES, Architecture, NeedsFuture, SequenceNetwork
from models.tasks.task import Signal, Task
from service.core.model import Array
from service.repository import manifest

FUSED = {"gru": "GRU", "lstm": "LSTM", "rnn": "RNN"}
"""The ONNX operator of a recurrent cell."""


def source_of(folder: Path) -> Source:
    """Raises ExportRefused for a network that cannot be streamed, models.runs.RunUnreadable."""
    run = runs.load(folder)
    network, task = run.network, tasks.load(run.config.task)
    architecture = network.architecture
    if architecture.bidirectional:
        raise ExportRefused(str(NeedsFuture()))

    @torch.no_grad()
    def whole(inputs: Sequence[Array]) -> list[Array]:
        outputs, _ = network(torch.from_numpy(inputs[0]))
        return [outputs.numpy()]

    return Source(
        manifest=_manifest(run, task),
        step=_Step(network),
        whole=whole,
        sample=lambda rows, steps: [task.sample(rows, steps)],
        fused={FUSED[architecture.cell]: architecture.layers} if architecture.cell in FUSED else {},
    )


class _Step(nn.Module):
    def __init__(self, network: SequenceNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        y, state = self.network.step(x, state)
        return y, *state


def _manifest(run: runs.Run, task: Task) -> manifest.Manifest:
    network, config = run.network, run.config
    return manifest.Manifest(
        inputs=(_tensor(task.inputs),),
        outputs=(_tensor(task.outputs),),
        states=_states(network.architecture),
        normalisation=manifest.Normalisation(
            mean={
                task.inputs.name: network.input_mean.tolist(),
                task.outputs.name: network.output_mean.tolist(),
            },
            std={
                task.inputs.name: network.input_std.tolist(),
                task.outputs.name: network.output_std.tolist(),
            },
        ),
        training={**asdict(config), "parameters": network.parameter_count, "scores": run.scores},
    )


def _tensor(signal: Signal) -> manifest.Tensor:
    return manifest.Tensor(
        name=signal.name, shape=(len(signal.features),), features=signal.features
    )


def _states(architecture: Architecture) -> tuple[manifest.State, ...]:
    # The layers come first, as torch and ONNX have them, so that no transpose is needed.
    shape = (architecture.layers, architecture.hidden)
    return tuple(
        manifest.State(
            input=manifest.Tensor(name=name, shape=shape, batch_axis=1), output=f"{name}_next"
        )
        for name in STATES[architecture.cell]
    )
