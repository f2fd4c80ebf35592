"""What reads Morse code without a network: a threshold on the loudness, and rules of length."""

from __future__ import annotations

from itertools import groupby

import numpy as np

from models.tasks.morse.code import CODE, SPACE
from models.tasks.morse.keying import SPEED, Floats

THRESHOLD = 0.35
"""Loudness, averaged over two timesteps, above which the key counts as down."""
LENGTHENED = 0.5
"""Timesteps by which the averaging draws out a tone, at the cost of the silence beside it."""
FAR_OFF = 0.5
"""Logarithm of a tone's length over the length meant, beyond which it is no nearer."""
LETTERS = {marks: letter for letter, marks in CODE.items()}


def decoded(loudness: Floats, dot: float) -> str:
    """The text of a message [T] at a speed of `dot` timesteps; what is no letter is left out.

    The limits lie between the lengths of the book: 1 dot and 3, 3 dots and 7.
    """
    text, marks = "", ""
    for is_down, length in _runs(loudness):
        if is_down:
            marks += "." if length < 2 * dot else "-"
        elif length >= 2 * dot:
            text += LETTERS.get(marks, "")
            marks = ""
            if text and length >= 5 * dot:
                text += SPACE
    return (text + LETTERS.get(marks, "")).rstrip(SPACE)


def own_dot(loudness: Floats) -> float:
    """The dot that suits a whole message [T]: its tones come closest to 1 dot or 3."""
    tones = np.array([length for is_down, length in _runs(loudness) if is_down])
    candidates = np.linspace(*SPEED, 21)[:, None]
    off = np.minimum(np.log(tones / candidates) ** 2, np.log(tones / (3 * candidates)) ** 2)
    within = np.minimum(off, FAR_OFF**2)  # noise that is taken for a tone has no say
    return float(candidates[within.sum(axis=1).argmin(), 0])


def _runs(loudness: Floats) -> list[tuple[bool, float]]:
    """Whether the key is down, and for how many timesteps, in turn.

    Each timestep is heard together with the one before it, which halves the noise's power.
    """
    heard = (loudness + np.append(loudness[:1], loudness[:-1])) / 2
    return [
        (is_down, len(list(run)) + (-LENGTHENED if is_down else LENGTHENED))
        for is_down, run in groupby((heard > THRESHOLD).tolist())
    ]
