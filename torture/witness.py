"""The witness: a model that shows whether each timestep took effect once, in order, to the bit.

A GRU beside a counter. The counter's output is the number of timesteps that have taken
effect, so that a lost or a doubled one shows at once; a hidden state that is off by one bit
shows in the GRU's outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from service.core.model import Array
from service.repository.description import describe
from service.runtime.graph import Graph
from service.runtime.loading import proven_stepper
from service.runtime.stepper import Stepper
from torture.package import FEATURES, NAME, write_witness

_INPUTS = 4096
"""Different inputs; each stream begins at another one and goes round."""
_APART = 977
"""How far apart two streams begin."""

Inputs = Callable[[int, int], Array]
"""Of a stream and a step."""


class Observation(NamedTuple):
    """What one timestep was answered."""

    y: bytes
    """float32[OUTPUTS]."""
    taken: int
    """How many timesteps have taken effect."""


class Witness:
    """The package, the inputs of each stream, and the outputs that it must get."""

    def __init__(
        self,
        repository: Path,
        *,
        hidden: int = 16,
        layers: int = 1,
        seed: int = 0,
        name: str = NAME,
    ) -> None:
        """Writes version 1 of the model `name` into the repository. `seed`: of the inputs."""
        self.repository = repository
        self.name = name
        self._model = write_witness(repository, hidden=hidden, layers=layers, name=name)
        random = np.random.default_rng(seed)
        self._inputs = random.standard_normal((_INPUTS, FEATURES)).astype("<f4")

    def input(self, stream: int, step: int) -> Array:
        """float32[FEATURES], the same each time."""
        row: Array = self._inputs[(stream * _APART + step) % _INPUTS]
        return row

    def undisturbed(
        self, lengths: Mapping[int, int], inputs: Inputs | None = None
    ) -> Iterator[tuple[int, int, Observation]]:
        """What streams get that nothing happens to: (stream, step, seen), step by step.

        `lengths`: how many steps of each stream; `inputs`: what they are given, if not
        `input`. Computed by the runtime alone; streams share runs, as they may.
        """
        given = inputs or self.input
        stepper = self._stepper()
        stepper.reserve(len(lengths))
        rows = {stream: row for row, stream in enumerate(lengths)}
        for row in rows.values():
            stepper.start(row)
        for step in range(max(lengths.values(), default=0)):
            streams = [stream for stream, steps in lengths.items() if step < steps]
            slots = np.array([rows[stream] for stream in streams])
            rows_given = b"".join(given(stream, step).tobytes() for stream in streams)
            y, taken = stepper.step(slots, [rows_given]).outputs
            for row, stream in enumerate(streams):
                yield stream, step, Observation(y[row].tobytes(), int(taken[row, 0]))

    def _stepper(self) -> Stepper:
        graph = Graph(self._model)
        found = describe(graph.facts, None)
        return proven_stepper(graph, found.signature, found.golden)
