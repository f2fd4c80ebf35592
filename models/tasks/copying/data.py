"""Episodes of delayed copy: some letters, a delay, a cue; then the letters again.

Arjovsky, Shah and Bengio, "Unitary evolution recurrent neural networks", ICML 2016, after
Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9 (1997). Knows nothing of
torch.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

LETTERS = tuple("abcdefgh")
BLANK, CUE = "-", "?"
SYMBOLS = (*LETTERS, BLANK, CUE)
SHOWN = 4
"""Letters in an episode."""


class Episodes(NamedTuple):
    """N episodes of T = delay + SHOWN timesteps."""

    symbols: npt.NDArray[np.int64]
    """[N, T], places in SYMBOLS: the letters, blanks up to the cue, and blanks to the end."""
    letters: npt.NDArray[np.int64]
    """[N, SHOWN], places in LETTERS: the answers to the last SHOWN timesteps."""


def episodes(rows: int, delay: int, rng: np.random.Generator) -> Episodes:
    """Letters uniform, each due `delay` timesteps after it was shown, the first one at the cue.

    The delay is SHOWN or more.
    """
    letters = rng.integers(len(LETTERS), size=(rows, SHOWN))
    symbols = np.full((rows, delay + SHOWN), SYMBOLS.index(BLANK))
    symbols[:, :SHOWN] = letters
    symbols[:, delay] = SYMBOLS.index(CUE)
    return Episodes(symbols, letters)
