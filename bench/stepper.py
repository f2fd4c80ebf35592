"""The least that a step can be: ONNX Runtime on one model file, the states fed back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort

from service.core.model import Array


class Stepper:
    """So many rows of a model of the benchmark, on one thread, from zeros, without any check."""

    def __init__(self, model: Path) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = ort.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
        taken = self._session.get_inputs()
        given = [tensor.name for tensor in self._session.get_outputs()]
        self._sizes = {tensor.name: tensor.shape[-1] for tensor in taken}
        self._states = [name for name in self._sizes if f"{name}_next" in given]
        self._names = ["y", *(f"{state}_next" for state in self._states)]
        self._feeds: dict[str, Array] = {}
        self.begin(1)

    def begin(self, rows: int) -> None:
        """So many rows from here on; inputs and states are zeros."""
        self._feeds = {
            name: np.zeros((rows, size), np.float32) for name, size in self._sizes.items()
        }

    def take(self, data: bytes) -> None:
        """The inputs of the next steps: float32[rows, features]."""
        self._feeds["x"] = np.frombuffer(data, "<f4").reshape(-1, self._sizes["x"])

    def step(self) -> Array:
        """The outputs, float32[rows, hidden]."""
        output: Array
        output, *states = self._session.run(self._names, self._feeds)
        for name, state in zip(self._states, states, strict=True):
            self._feeds[name] = state
        return output
