"""Letting a served network write: one stream, one character per message."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.tasks.text.characters import REPLACEMENT
from stepwire import InvalidInput
from stepwire.sync import Stream


class Written(NamedTuple):
    character: str
    round_trip: float
    """Seconds from the character before it to the answer."""


@dataclass(frozen=True)
class Sampler:
    """Draws characters from the log-probabilities of a network."""

    rng: np.random.Generator
    temperature: float
    """Divides the log-probabilities: at 1 they hold as they are, at 0 the likeliest is taken."""

    def draw(self, log_probabilities: npt.NDArray[Any]) -> int:
        """The largest after Gumbel noise was added is a draw in proportion to the probabilities:
        Gumbel, "Statistical theory of extreme values and some practical applications", 1954.
        """
        # Heating the noise instead of cooling what it is added to does at temperature 0 too.
        noise = self.rng.gumbel(size=log_probabilities.shape)
        return int(np.argmax(log_probabilities + self.temperature * noise))


def alphabet(stream: Stream) -> tuple[str, ...]:
    """The characters that the model reads and writes. Raises InvalidInput for another model."""
    inputs, outputs = stream.signature.inputs, stream.signature.outputs
    if len(inputs) == len(outputs) == 1 and inputs[0].shape == (1,):
        symbols = inputs[0].symbols
        if symbols and outputs[0].features == symbols and all(len(name) == 1 for name in symbols):
            return symbols
    raise InvalidInput(
        f"the model takes {list(inputs)} and gives {list(outputs)}: name a --model that takes "
        "a character and gives the log-probability of each character to come next"
    )


def readable(prompt: str, characters: Sequence[str]) -> str:
    """The prompt, each character that the model does not know replaced.

    Raises InvalidInput where the model has no replacement.
    """
    unknown = sorted(set(prompt) - set(characters))
    if unknown and REPLACEMENT not in characters:
        raise InvalidInput(f"the model does not know {_listed(unknown)}: change the --prompt")
    return prompt.translate({ord(character): REPLACEMENT for character in unknown})


def replaced(prompt: str, read: str) -> str:
    """What was replaced in a prompt, as a list."""
    return _listed(sorted({old for old, new in zip(prompt, read, strict=True) if old != new}))


def write(stream: Stream, prompt: str, count: int, sampler: Sampler) -> Iterator[Written]:
    """What the model writes after a prompt of at least one character; no replacements."""
    characters = alphabet(stream)
    forbidden = [place for place, name in enumerate(characters) if name == REPLACEMENT]
    for character in prompt[:-1]:
        stream.step(character)
    character = prompt[-1]
    for _ in range(count):
        sent = time.perf_counter()
        log_probabilities = stream.step(character)
        round_trip = time.perf_counter() - sent
        log_probabilities[forbidden] = -np.inf
        character = characters[sampler.draw(log_probabilities)]
        yield Written(character, round_trip)


def _listed(characters: Sequence[str]) -> str:
    return ", ".join(map(repr, characters))
