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
    own = {name: v for name, v in module.state_dict().items() if isinstance(v, Tensor)}
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
        _listed(
            "has of another kind",
            (
                f"{name} {_dtype(weights[name])}, not {_dtype(own[name])}"
                for name in own
                if name in weights and _kind(weights[name]) != _kind(own[name])
            ),
        ),
    ]
    if any(faults):
        said = "; it ".join(fault for fault in faults if fault)
        raise ExportRefused(f"{path} does not fit the module: it {said}")
    try:
        module.load_state_dict(weights, strict=False)
    except Exception as error:  # tensors that are sparse, quantised or without values
        raise ExportRefused(f"{path} does not fill the module: {told(error)}") from error


def _kind(tensor: Tensor) -> tuple[bool, bool]:
    """Within a kind a cast only rounds."""
    return tensor.is_floating_point(), tensor.is_complex()


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


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
    except Exception as error:  # a damaged file raises anything, torch with unsafe advice
        raise ExportRefused(
            f"{path} is damaged, or no checkpoint of tensors, such as a TorchScript: save "
            "module.state_dict(), best as .safetensors"
        ) from error
    if isinstance(found, Mapping):
        found = next((found[name] for name in NESTED if name in found), found)
    if not isinstance(found, Mapping) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in found.items()
    ):
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
