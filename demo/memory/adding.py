"""The adding problem, as the demo sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from demo.memory.episode import Moment, Timestep
from models.tasks.adding.data import CLOSE, READING, episodes
from stepwire import InvalidInput
from stepwire.sync import Stream

GLYPHS = "▁▂▃▄▅▆▇█"


class Adding:
    def __init__(self, length: int) -> None:
        """`length`: timesteps of an episode."""
        self._length = length

    def check(self, model: str, stream: Stream) -> None:
        inputs = stream.signature.inputs
        if [tensor.features for tensor in inputs] != [READING]:
            raise InvalidInput(
                f"{model} takes {list(inputs)}: name with --adding a model of "
                "`stepwire train adding`"
            )

    def episode(self, rng: np.random.Generator) -> Sequence[Timestep]:
        made = episodes(1, self._length, rng)
        asked = [_timestep(value, mark) for value, mark in made.inputs[0].tolist()]
        return [*asked[:-1], asked[-1]._replace(due=f"{made.sums[0]:.3f}")]

    def read(self, outputs: npt.NDArray[Any]) -> str:
        return f"{outputs[0]:.3f}"

    def verdict(self, answered: Sequence[Moment]) -> str:
        errors = np.array([float(moment.answer) - float(moment.asked.due) for moment in answered])
        right = int((np.abs(errors) < CLOSE).sum())
        return (
            f"RMSE {np.sqrt(np.mean(errors**2)):.3f} over {len(errors)} sums, "
            f"{right} of them within {CLOSE}"
        )


def _timestep(value: float, mark: float) -> Timestep:
    glyph = GLYPHS[int(value * len(GLYPHS))]
    return Timestep([value, mark], glyph, f"{value:.3f}" if mark else "", due="")
