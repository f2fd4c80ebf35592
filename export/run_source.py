"""A trained run as the source of an export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import torch
from pydantic import ValidationError
from torch import Tensor, nn

from export.fused_cells import fused, operators_of
from export.source import ExportRefused, Source
from models import runs
from models.cores import states_of
from models.networks import NeedsFuture, SequenceNetwork
from models.tasks.task import Signal
from service.core.model import Array
from service.repository import manifest

FUSED = {"gru": "GRU", "lstm": "LSTM", "rnn": "RNN"}
"""The ONNX operator of each of torch's layers."""


def source_of(folder: Path) -> Source:
    """Raises ExportRefused for a network that cannot be streamed, models.runs.RunUnreadable."""
    run = runs.load(folder)
    network = run.network
    architecture = network.architecture
    if architecture.bidirectional:
        raise ExportRefused(str(NeedsFuture()))

    @torch.no_grad()
    def whole(inputs: Sequence[Array]) -> list[Array]:
        outputs, _ = network(torch.from_numpy(inputs[0]))
        return [outputs.numpy()]

    try:
        declared = _manifest(run)
    except ValidationError as error:
        said = manifest.first_fault(error)
        raise ExportRefused(f"{folder / runs.CONFIG}: inputs or outputs: {said}") from error
    return Source(
        manifest=declared,
        step=_Step(cast(SequenceNetwork, fused(network))),
        whole=whole,
        sample=lambda rows, steps: [run.sample[:rows, :steps]],
        sampled="the run's sample",
        fused=_operators(network),
    )


class _Step(nn.Module):
    def __init__(self, network: SequenceNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        y, state = self.network.step(x, state)
        return y, *state


def _operators(network: SequenceNetwork) -> Mapping[str, int]:
    architecture = network.architecture
    if architecture.cell in FUSED:
        return {FUSED[architecture.cell]: architecture.layers}
    return operators_of(network)


def _manifest(run: runs.Run) -> manifest.Manifest:
    network, config = run.network, run.config
    return manifest.Manifest(
        inputs=(_tensor(config.inputs),),
        outputs=(_tensor(config.outputs),),
        states=_states(network),
        normalisation=_normalisation(run),
        training=_training(run),
    )


def _training(run: runs.Run) -> dict[str, Any]:
    """All that trains it again, and how it did; the tensors say the rest."""
    config = asdict(run.config)
    told = {key: value for key, value in config.items() if key not in ("inputs", "outputs")}
    return {**told, "parameters": run.network.parameter_count, "scores": run.scores}


def _tensor(signal: Signal) -> manifest.Tensor:
    return manifest.Tensor(
        name=signal.name,
        dtype="int64" if signal.symbols else "float32",
        shape=(len(signal.features),),
        features=signal.features,
        symbols=signal.symbols,
    )


def _states(network: SequenceNetwork) -> tuple[manifest.State, ...]:
    # The layers come first, as torch and ONNX have them, so that no transpose is needed.
    architecture = network.architecture
    starts = network.initial_state(1)
    return tuple(
        manifest.State(
            input=manifest.Tensor(name=name, shape=architecture.state_shape, batch_axis=1),
            output=f"{name}_next",
            initial=manifest.encode_array(start.detach().numpy()[:, 0])
            if architecture.learned_initial
            else None,
        )
        for name, start in zip(states_of(architecture.cell), starts, strict=True)
    )


def _normalisation(run: runs.Run) -> manifest.Normalisation:
    """Of raw units only: symbols and probabilities have none."""
    network, config = run.network, run.config
    mean, std = {}, {}
    if not config.inputs.symbols:
        mean[config.inputs.name] = network.input_mean.tolist()
        std[config.inputs.name] = network.input_std.tolist()
    if config.outputs.kind == "values":
        mean[config.outputs.name] = network.output_mean.tolist()
        std[config.outputs.name] = network.output_std.tolist()
    return manifest.Normalisation(mean=mean, std=std)
