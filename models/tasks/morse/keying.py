"""A Morse key as a receiver hears it: every operator has a hand of their own, and radio fades."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.tasks.morse.code import CODE, SPACE

Floats = npt.NDArray[np.float32]

PERIOD = 0.03
"""Seconds a timestep: at the mean speed, 15 words a minute."""
SPEED = (2.0, 3.2)
"""Timesteps of a dot, fastest and slowest; a message starts at any."""
DRIFT = 0.03
"""Standard deviation of the change of the dot's logarithm from one element to the next."""
JITTER = 0.08
"""Standard deviation of the logarithm of an element's length around what was meant."""
DASH, BETWEEN_LETTERS, BETWEEN_WORDS = (2.5, 3.7), (2.5, 3.7), (6.0, 9.0)
"""Dots, drawn for each message; the book says 3, 3 and 7."""
NOISE = 0.15
"""Standard deviation, beside a loudness of 1 where the key is down and nothing fades."""
DEEPEST_FADE = 0.6
"""The share of the loudness that can be lost."""
FADING = (40.0, 160.0)
"""Timesteps from fade to fade, drawn for each message."""
LEAD, TAIL = (1.0, 10.0), 8.0
"""Silence before the message in timesteps, and after it in dots."""
SILENCE_OF_LETTER = 1.8
"""Dots of silence after which a letter is over."""
TONE_HEARD = 1.5
"""Timesteps from the begin of a tone until it stands out of the noise."""


class Element(NamedTuple):
    """A stretch of time in which the key does not move."""

    is_down: bool
    dots: float


class Keyed(NamedTuple):
    loudness: Floats
    """[T]"""
    known_at: Sequence[int]
    """The timestep by which each character of the text is certain."""


def keyed(text: str, rng: np.random.Generator) -> Keyed:
    """A text of capital letters with single spaces between words."""
    moved, dot = _moves(text, rng)
    down = _down(moved, TAIL * dot)
    depth, phase = rng.uniform(0, DEEPEST_FADE), rng.uniform(0, 2 * np.pi)
    angle = phase + 2 * np.pi * np.arange(len(down)) / rng.uniform(*FADING)
    faded = down * (1 - depth * (1 + np.sin(angle)) / 2)
    heard = (faded + rng.normal(scale=NOISE, size=len(down))).astype(np.float32)
    return Keyed(heard, _known_at(text, moved, dot))


def padded(messages: Sequence[Floats], rng: np.random.Generator) -> Floats:
    """Messages of any length as [N, T, 1]: behind the shorter ones there is noise."""
    shape = (len(messages), max(map(len, messages)), 1)
    loudness = rng.normal(scale=NOISE, size=shape).astype(np.float32)
    for row, message in enumerate(messages):
        loudness[row, : len(message), 0] = message
    return loudness


def _moves(text: str, rng: np.random.Generator) -> tuple[list[float], float]:
    """When the key goes down, up, down and so on, in timesteps; and the dot at the end."""
    dot, dash, letters, words = (
        rng.uniform(*span) for span in (SPEED, DASH, BETWEEN_LETTERS, BETWEEN_WORDS)
    )
    moved = [rng.uniform(*LEAD)]
    for element in elements(text, dash, letters, words):
        dot = float(np.clip(dot * np.exp(rng.normal(scale=DRIFT)), *SPEED))
        moved.append(moved[-1] + element.dots * dot * np.exp(rng.normal(scale=JITTER)))
    return moved, dot


def _down(moved: Sequence[float], tail: float) -> npt.NDArray[np.float64]:
    """The share of each timestep for which the key is down."""
    edges = np.arange(np.ceil(moved[-1] + tail) + 1)
    down = np.zeros(len(edges))  # time for which it has been down, up to each edge
    for begin, end in zip(moved[::2], moved[1::2], strict=True):
        down += np.clip(edges, begin, end) - begin
    return np.diff(down)


def _known_at(text: str, moved: Sequence[float], dot: float) -> list[int]:
    """A long silence may as well be the end: a space is certain when the next tone is heard."""
    tones, known = 0, []
    for character in text:
        if character == SPACE:
            known.append(int(moved[2 * tones] + TONE_HEARD))
        else:
            tones += len(CODE[character])
            known.append(int(moved[2 * tones - 1] + SILENCE_OF_LETTER * dot))
    return known


def elements(text: str, dash: float, letters: float, words: float) -> Iterator[Element]:
    """Down and up in turn, first and last down."""
    for place, character in enumerate(text):
        if character == SPACE:
            yield Element(False, words)
            continue
        if place and text[place - 1] != SPACE:
            yield Element(False, letters)
        for number, mark in enumerate(CODE[character]):
            if number:
                yield Element(False, 1.0)
            yield Element(True, dash if mark == "-" else 1.0)
