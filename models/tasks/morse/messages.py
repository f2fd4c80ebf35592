"""What is keyed: random letters to learn from, random letters and words to be judged by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models.tasks.morse.code import ALPHABET, CODE, SPACE

LETTERS = tuple(CODE)
NUMBERS = {character: number for number, character in enumerate(ALPHABET, start=1)}
"""The label of each character."""
SPACED = 0.15
"""How often a space stands where one may."""
WORDS = (
    *("ALARM", "ANCHOR", "AUTUMN", "BEACON", "BRIDGE", "CABLE", "CANDLE", "CLOUD", "COAST"),
    *("DELTA", "DRIFT", "EAGLE", "ECHO", "ENGINE", "FJORD", "FLAG", "FOG", "FROST", "GALE"),
    *("GULL", "HARBOUR", "HELP", "HORIZON", "ICE", "ISLAND", "JETTY", "JUNCTION", "KEEL"),
    *("KNOT", "LAMP", "LIGHT", "MAST", "MESSAGE", "NIGHT", "NORTH", "OAR", "OCEAN", "PILOT"),
    *("QUAY", "QUIET", "RADIO", "REEF", "SAIL", "SHIP", "SIGNAL", "SOUTH", "STORM", "TIDE"),
    *("TOWER", "UNDER", "URGENT", "VALLEY", "VESSEL", "WATCH", "WAVE", "WIND", "YACHT", "ZERO"),
)


def random_letters(shortest: int, longest: int, rng: np.random.Generator) -> str:
    """Letters and single spaces between them, so many characters."""
    length, text = int(rng.integers(shortest, longest + 1)), ""
    while len(text) < length:
        inside = text and not text.endswith(SPACE) and len(text) < length - 1
        if inside and rng.random() < SPACED:
            text += SPACE
        text += LETTERS[int(rng.integers(len(LETTERS)))]
    return text


def random_words(count: int, rng: np.random.Generator) -> str:
    return SPACE.join(WORDS[place] for place in rng.integers(len(WORDS), size=count))


def labels_of(texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """[N, characters of the longest text], blank behind the shorter ones."""
    labels = np.zeros((len(texts), max(map(len, texts))), np.int64)
    for row, text in enumerate(texts):
        labels[row, : len(text)] = [NUMBERS[character] for character in text]
    return labels


def timestep_labels_of(
    texts: Sequence[str], known_at: Sequence[Sequence[int]], steps: int
) -> npt.NDArray[np.int64]:
    """[N, steps]: each character's label at the timestep by which it is certain, else blank."""
    labels = np.zeros((len(texts), steps), np.int64)
    for row, (text, timesteps) in enumerate(zip(texts, known_at, strict=True)):
        labels[row, timesteps] = [NUMBERS[character] for character in text]
    return labels
