"""A run folder: everything a training leaves behind, readable with a text editor.

`config.json` says how to train it again and what its inputs and outputs mean,
`weights.safetensors` holds the network, `sample.safetensors` inputs such as it will meet,
`score.json` its figures beside those of the baselines, `plot.png` the loss and an example.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors.numpy
import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from models import folders
from models.networks import Architecture, SequenceNetwork
from models.tasks.task import Array, Recipe, Score, Signal

CONFIG, WEIGHTS, SAMPLE, SCORES, PLOT = (
    "config.json",
    "weights.safetensors",
    "sample.safetensors",
    "score.json",
    "plot.png",
)
SAMPLE_ROWS, SAMPLE_STEPS = 8, 256


class RunUnreadable(ValueError):
    """A folder is not a training's, or is damaged; the message says which file and why."""


@dataclass(frozen=True, slots=True)
class Config:
    task: str
    options: Mapping[str, Any]
    """The task's own."""
    inputs: Signal
    outputs: Signal
    architecture: Architecture
    recipe: Recipe
    seed: int
    torch: str
    """The version that trained it."""


@dataclass(frozen=True)
class Run:
    config: Config
    network: SequenceNetwork
    sample: Array
    """[SAMPLE_ROWS, SAMPLE_STEPS, F]"""
    scores: Mapping[str, Score]
    """By contestant, "network" first."""


def require_free(folder: Path) -> None:
    """Raises FileExistsError if the folder holds a run already, or anything else."""
    if (folder / CONFIG).exists():
        raise FileExistsError(f"{folder} holds a run already: take another --name")
    folders.require_free(folder, "--name")


def save(folder: Path, run: Run) -> None:
    """Writes all but the plot. Raises FileExistsError if the folder holds a run already."""
    require_free(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(folder / SCORES, run.scores)
    safetensors.numpy.save_file({"inputs": run.sample}, folder / SAMPLE)
    safetensors.torch.save_file(run.network.state_dict(), folder / WEIGHTS)
    _write_json(folder / CONFIG, asdict(run.config))


def load(folder: Path) -> Run:
    """Raises RunUnreadable."""
    config, weights = _config(folder / CONFIG), _weights(folder / WEIGHTS)
    try:
        network = _network(config.architecture, len(weights))
    except Exception as error:  # a size of the wrong kind, of 0 or too large: each raises its own
        raise RunUnreadable(f"{folder / CONFIG}: no such network: {_line(error)}") from error
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        path = folder / WEIGHTS
        raise RunUnreadable(f"{path} does not fill the network: {_line(error)}") from error
    sample = _sample(folder / SAMPLE, config.architecture)
    return Run(config, network.eval(), sample, _read_json(folder / SCORES))


def _config(path: Path) -> Config:
    fields = _read_json(path)
    try:
        return Config(
            **{
                **fields,
                "inputs": _signal(fields["inputs"]),
                "outputs": _signal(fields["outputs"]),
                "architecture": Architecture(**fields["architecture"]),
                "recipe": Recipe(**fields["recipe"]),
            }
        )
    except (KeyError, TypeError) as error:
        raise RunUnreadable(f"{path} is not a training's: {error}") from error


def _weights(path: Path) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load_file(path)
    except (OSError, SafetensorError) as error:
        raise RunUnreadable(f"{path}: {_line(error)}") from error


def _network(architecture: Architecture, tensors: int) -> SequenceNetwork:
    if architecture.layers > tensors:  # too many would fill the memory one by one
        raise ValueError(f"{architecture.layers} layers, but the weights are {tensors} tensors")
    return SequenceNetwork(architecture)


def _signal(fields: Mapping[str, Any]) -> Signal:
    lists = {name: tuple(fields[name]) for name in ("features", "symbols")}
    return Signal(**{**fields, **lists})


def _sample(path: Path, architecture: Architecture) -> Array:
    try:
        sample: Array = safetensors.numpy.load_file(path)["inputs"]
    except (OSError, SafetensorError, KeyError) as error:
        raise RunUnreadable(f"{path}: {_line(error)}") from error
    shape = (SAMPLE_ROWS, SAMPLE_STEPS, architecture.features)
    if sample.shape != shape:
        raise RunUnreadable(f"{path} holds inputs {list(sample.shape)}, not {list(shape)}")
    return sample


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunUnreadable(f"{path}: {_line(error)}") from error
    if not isinstance(value, dict):
        raise RunUnreadable(f"{path} does not hold an object")
    return value
