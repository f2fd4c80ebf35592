"""Whose seeds are whose: what is trained, what is held out, what a demo shows. Knows no torch."""

from __future__ import annotations

import numpy as np

HELD_OUT_SEED = 1_000_000
"""Trainings draw from seeds below; from this one, alone or in a tuple, they never do."""
SHOWN = 3
"""Behind HELD_OUT_SEED in a demo's tuple: 1 and 2 are for what a task scores."""


def shown(seed: int) -> np.random.Generator:
    """What a demo draws its episodes from: neither trained nor scored."""
    return np.random.default_rng((HELD_OUT_SEED, SHOWN, seed))
