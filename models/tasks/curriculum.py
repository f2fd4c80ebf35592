"""Distances to remember over: growing while a network is trained, probed when it is scored.

A gradient reaches over a short distance at once, and what is learned there carries over to a
longer one: Bengio, Louradour, Collobert and Weston, "Curriculum learning", ICML 2009.
"""

from __future__ import annotations

import numpy as np

PROBED = (0.25, 0.5, 1.0, 1.5)
"""Shares of the longest trained distance at which memory is scored; one is beyond it."""


def trained(index: int, rounds: int, shortest: int, longest: int, rng: np.random.Generator) -> int:
    """The distance of round `index`: up to a limit that is the longest from half the rounds on.

    Even rounds are at the limit. Odd ones draw from all below it, so that short distances are not
    unlearned.
    """
    limit = shortest + round(min(1.0, 2 * index / rounds) * (longest - shortest))
    return limit if index % 2 == 0 else int(rng.integers(shortest, limit + 1))


def probed(longest: int) -> tuple[int, ...]:
    """The distances at which a network trained up to `longest` is scored."""
    return tuple(round(share * longest) for share in PROBED)
