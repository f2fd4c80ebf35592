"""Characters as whole numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]

REPLACEMENT = "\ufffd"
"""Stands for every character that is not in the vocabulary."""
ONE_IN = 100_000
"""A character of the vocabulary is at least one in so many of the training text."""
MOST = 4096
"""Characters in a vocabulary: five of them fit into 60 bits."""


def vocabulary(text: str) -> tuple[str, ...]:
    """The characters that occur often enough, in the order of Unicode, and then the replacement."""
    counts = Counter(text)
    del counts[REPLACEMENT]
    often = [name for name, count in counts.most_common(MOST - 1) if count * ONE_IN >= len(text)]
    return (*sorted(often), REPLACEMENT)


def encoded(text: str, characters: Sequence[str]) -> Codes:
    """The number of each character [T]; others have that of the replacement, the last one."""
    unknown = len(characters) - 1
    points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    table = np.full(max(int(points.max(initial=0)), *map(ord, characters)) + 1, unknown, np.int64)
    table[[ord(character) for character in characters]] = np.arange(len(characters))
    return table[points]
