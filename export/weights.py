"""A checkpoint into a module. Nothing is unpickled but tensors."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from export.source import ExportRefused
from export.user_code import told

PICKLED = (".pt", ".pth", ".ckpt", ".bin")
NESTED = ("state_dict", "model_state_dict")
"""Where a checkpoint that holds more than weights has them."""

NAMED = 3
"""So many names are listed, the rest counted."""


def fill(module: nn.Module, path: Path) -> None:
    """Copies the weights of a file into the module. Raises ExportRefused if they do not fit."""
    weights = _read(path)
    own = module.state_dict()
    tied = {own[name].data_ptr() for name in own.keys() & weights.keys()}
    faults = [
        _listed("misses", (n for n in own if n not in weights and own[n].data_ptr() not in tied)),
        _listed("has unknown", (name for name in weights if name not in own)),
        _listed(
            "has of another shape",
            (
                f"{name} {list(weights[name].shape)}, not {list(own[name].shape)}"
                for name in own
                if name in weights and weights[name].shape != own[name].shape
            ),
        ),
    ]
    if any(faults):
        said = "; it ".join(fault for fault in faults if fault)
        raise ExportRefused(f"{path} does not fit the module: it {said}")
    module.load_state_dict(weights, strict=False)


def _read(path: Path) -> Mapping[str, Tensor]:
    if path.suffix == ".safetensors":
        return _safetensors(path)
    if path.suffix in PICKLED:
        return _pickled(path)
    raise ExportRefused(f"{path}: weights are .safetensors, or {', '.join(PICKLED)}")


def _safetensors(path: Path) -> Mapping[str, Tensor]:
    try:
        return safetensors.torch.load_file(path)
    except (OSError, SafetensorError) as error:
        raise ExportRefused(f"{path} cannot be read: {told(error)}") from error


def _pickled(path: Path) -> Mapping[str, Tensor]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of formats that are then refused, or read well
            found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ExportRefused(f"{path} cannot be read: {told(error)}") from error
    except pickle.UnpicklingError as error:
        raise ExportRefused(
            f"{path} holds more than tensors, and nothing of it was run: save "
            "module.state_dict(), best as .safetensors"
        ) from error
    except (RuntimeError, EOFError, ValueError) as error:
        raise ExportRefused(f"{path} is damaged: {told(error)}") from error
    if isinstance(found, Mapping):
        found = next((found[name] for name in NESTED if name in found), found)
    if not isinstance(found, Mapping) or not all(isinstance(v, Tensor) for v in found.values()):
        raise ExportRefused(
            f"{path} holds no weights by name, neither at the top nor as {' or '.join(NESTED)}"
        )
    return found


def _listed(what: str, names: Iterable[str]) -> str:
    every = list(names)
    if not every:
        return ""
    more = f" and {len(every) - NAMED} more" if len(every) > NAMED else ""
    return f"{what} {', '.join(every[:NAMED])}{more}"
