"""The naive arena: states in the host's memory, which every run copies in and out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort

from bench.cuda.sides import scattered
from service.core.errors import ModelRefused
from service.core.model import Array
from service.runtime.device import Device

_KEPT = ("device_id", "gpu_mem_limit", "use_tf32")
"""Options of the provider that say where and how it computes, not in what order."""


class Naive:
    """A model of the benchmark behind `InferenceSession.run`, without any check."""

    name = "naive arena"

    def __init__(self, model: Path, device: Device) -> None:
        """Raises ModelRefused where ONNX Runtime would compute on another device."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        providers = [
            (name, {option: value for option, value in given.items() if option in _KEPT})
            for name, given in device.providers
        ]
        self._session = ort.InferenceSession(str(model), options, providers=providers)
        if device.providers[0][0] not in self._session.get_providers():
            raise ModelRefused(f"the naive arena's runs would not be on {device.name}")
        self._is_host = device.is_host
        self._sizes = {tensor.name: tensor.shape[-1] for tensor in self._session.get_inputs()}
        self._states = [name for name in self._sizes if name != "x"]
        self._names = ["y", *(f"{state}_next" for state in self._states)]
        self._arena: dict[str, Array] = {}
        self._slots = scattered(0)
        self._inputs = self._output = np.empty((0, 0), np.float32)
        self._moved = 0

    def begin(self, inputs: Array) -> None:
        rows = len(inputs)
        self._inputs, self._slots = inputs, scattered(rows)
        self._arena = {
            name: np.zeros((rows, self._sizes[name]), np.float32) for name in self._states
        }

    def step(self) -> None:
        feeds = {name: array[self._slots] for name, array in self._arena.items()}
        feeds["x"] = self._inputs
        self._output, *states = given = self._session.run(self._names, feeds)
        for name, state in zip(self._states, states, strict=True):
            self._arena[name][self._slots] = state
        self._moved = sum(array.nbytes for array in (*feeds.values(), *given))

    def outputs(self) -> Array:
        return self._output

    def bus_bytes(self) -> int:
        return 0 if self._is_host else self._moved
