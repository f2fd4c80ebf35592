"""The floor: `torch.nn.GRU` and `torch.nn.LSTM` on the same device, their state kept there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from bench.package import Network
from service.core.model import Array

_GATES = {"GRU": "rzn", "LSTM": "ifgo"}
"""As torch has them one below the other."""
_ONNX_GATES = {"GRU": "zrn", "LSTM": "iofg"}
"""As ONNX has them, by torch's letters. https://onnx.ai/onnx/operators/"""


class TorchUnavailable(RuntimeError):
    """Torch does not compute on the device; one line says what to do."""


def check(kind: str) -> None:
    """`kind`: "cpu" or "cuda". Raises TorchUnavailable."""
    if kind == "cuda" and not torch.cuda.is_available():
        raise TorchUnavailable(
            f"torch {torch.__version__} has no CUDA device: install one that is built for CUDA, or "
            "leave out the part `steps`"
        )


class Torch:
    """A step as a server needs it: inputs from page-locked memory, outputs back to it."""

    name = "torch"

    def __init__(self, model: Path, network: Network, device: str) -> None:
        """`device`: "cpu" or "cuda:N"."""
        self._network, self._device = network, torch.device(device)
        if self._device.type == "cuda":
            _in_full_precision()
        self._module = module(model, network).to(self._device)
        self._taken = self._given = self._x = torch.empty(0)
        self._state: Tensor | tuple[Tensor, ...] | None = None

    def begin(self, inputs: Array) -> None:
        self._taken = self._host(torch.from_numpy(inputs))
        self._given = self._host(torch.empty(len(inputs), self._network.hidden))
        self._x = self._taken.to(self._device)
        self._state = None

    def step(self) -> None:
        if self._device.type == "cpu":
            self._given = self._advanced()
            return
        self._x.copy_(self._taken, non_blocking=True)
        self._given.copy_(self._advanced(), non_blocking=True)
        torch.cuda.synchronize(self._device)

    def outputs(self) -> Array:
        return self._given.numpy(force=True)

    def bus_bytes(self) -> int:
        if self._device.type == "cpu":
            return 0
        return self._taken.nbytes + self._given.nbytes

    def _advanced(self) -> Tensor:
        """The outputs, on the device, which may still be at work on them."""
        with torch.inference_mode():
            y, self._state = self._module(self._x[None], self._state)
        output: Tensor = y[0]
        return output

    def _host(self, tensor: Tensor) -> Tensor:
        return tensor if self._device.type == "cpu" else tensor.pin_memory()


class BareTorch(Torch):
    """The same with inputs that are on the device already and outputs that stay there."""

    name = "torch, nothing over the bus"

    def step(self) -> None:
        self._given = self._advanced()
        if self._device.type != "cpu":
            torch.cuda.synchronize(self._device)

    def bus_bytes(self) -> int:
        return 0


def module(model: Path, network: Network) -> nn.RNNBase:
    """With the weights of the model's file."""
    kind = nn.GRU if network.cell == "GRU" else nn.LSTM
    made = kind(network.features, network.hidden, network.layers)
    weights = {
        each.name: numpy_helper.to_array(each) for each in onnx.load(model).graph.initializer
    }
    with torch.no_grad():
        for layer in range(network.layers):
            below, above = np.split(weights[f"B{layer}"][0], 2)
            for name, array in (
                (f"weight_ih_l{layer}", weights[f"W{layer}"][0]),
                (f"weight_hh_l{layer}", weights[f"R{layer}"][0]),
                (f"bias_ih_l{layer}", below),
                (f"bias_hh_l{layer}", above),
            ):
                made.get_parameter(name).copy_(torch.from_numpy(_ordered(array, network.cell)))
    return made.eval()


def _in_full_precision() -> None:
    """Float32 without TF32, as Stepwire has it."""
    torch.backends.cudnn.rnn.fp32_precision = "ieee"  # type: ignore[attr-defined]  # not in its stub
    torch.backends.cuda.matmul.fp32_precision = "ieee"


def _ordered(array: Array, cell: str) -> Array:
    """From ONNX's order of gates to torch's."""
    given, wanted = _ONNX_GATES[cell], _GATES[cell]
    gates = dict(zip(given, np.split(array, len(given)), strict=True))
    return np.concatenate([gates[gate] for gate in wanted])
