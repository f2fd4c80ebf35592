"""Stepwire's side: a stepper from bytes to outputs, as a lane uses it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.cuda.metered import Metered
from bench.cuda.sides import scattered
from service.core.model import Array
from service.repository.manifest import decode
from service.runtime.graph import Graph
from service.runtime.loading import proven_stepper
from service.runtime.stepper import Stepper


def proven(model: Path, device: Metered) -> Stepper:
    """As the service loads it. Raises ModelRefused."""
    graph = Graph(model, device=device)
    manifest, golden = decode(graph.metadata)
    return proven_stepper(graph, manifest.signature(), golden)


def unproven(model: Path, device: Metered) -> Stepper:
    """Rows run together as they come, whatever that does to their bits."""
    graph = Graph(model, device=device)
    manifest, _ = decode(graph.metadata)
    signature = manifest.signature()
    return Stepper(graph.bound(signature), signature)


class Ours:
    """Every step is checked for what is not finite, as in service."""

    def __init__(self, stepper: Stepper, device: Metered, name: str = "Stepwire") -> None:
        """`device`: the stepper's."""
        self.name = name
        self._stepper, self._device = stepper, device
        self._slots = scattered(0)
        self._data = b""
        self._output = np.empty((0, 0), np.float32)
        self._moved = 0

    def begin(self, inputs: Array) -> None:
        self._slots, self._data = scattered(len(inputs)), inputs.tobytes()
        self._stepper.reserve(len(inputs))
        for slot in range(len(inputs)):
            self._stepper.start(slot)

    def step(self) -> None:
        before = self._device.moved
        result = self._stepper.step(self._slots, [self._data])
        self._moved = self._device.moved - before
        (self._output,) = result.outputs

    def outputs(self) -> Array:
        return self._output

    def bus_bytes(self) -> int:
        return self._moved
