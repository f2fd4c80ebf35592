"""Delayed copy, as the demo sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from demo.memory.episode import Moment, Timestep
from models.tasks.copying.data import LETTERS, SYMBOLS, episodes
from stepwire import InvalidInput
from stepwire.sync import Stream


class Copying:
    def __init__(self, delay: int) -> None:
        """`delay`: timesteps from a letter to its repetition."""
        self._delay = delay

    def check(self, model: str, stream: Stream) -> None:
        inputs = stream.signature.inputs
        if [tensor.symbols for tensor in inputs] != [SYMBOLS]:
            raise InvalidInput(
                f"{model} takes {list(inputs)}: name with --copying a model of "
                "`stepwire train copying`"
            )

    def episode(self, rng: np.random.Generator) -> Sequence[Timestep]:
        made = episodes(1, self._delay, rng)
        symbols = [SYMBOLS[number] for number in made.symbols[0]]
        letters = [LETTERS[number] for number in made.letters[0]]
        told = [*letters, *[""] * self._delay]
        due = [*[""] * self._delay, *letters]
        return [
            Timestep([symbol], symbol, *rest)
            for symbol, *rest in zip(symbols, told, due, strict=True)
        ]

    def read(self, outputs: npt.NDArray[Any]) -> str:
        return LETTERS[outputs.argmax()]

    def verdict(self, answered: Sequence[Moment]) -> str:
        right = sum(moment.answer == moment.asked.due for moment in answered)
        guessed = len(answered) / len(LETTERS)
        return f"{right} of {len(answered)} letters right, {guessed:.0f} by guessing"
