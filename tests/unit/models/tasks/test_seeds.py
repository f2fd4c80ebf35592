"""What is trained, what is held out and what a demo shows."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from models.command import train
from models.tasks.seeds import HELD_OUT_SEED, shown


@given(st.integers(0, 100))
def test_a_demo_shows_what_is_neither_trained_nor_scored(seed: int) -> None:
    others: list[int | tuple[int, int]] = [
        seed,
        HELD_OUT_SEED,
        (HELD_OUT_SEED, 1),
        (HELD_OUT_SEED, 2),
        (HELD_OUT_SEED, seed),
    ]
    drawn = [np.random.default_rng(other).random() for other in others]
    assert shown(seed).random() not in drawn
    assert shown(seed).random() == shown(seed).random() != shown(seed + 1).random()


@pytest.mark.parametrize("seed", [-1, HELD_OUT_SEED])
def test_no_training_takes_the_seed_of_what_is_held_out(seed: int) -> None:
    result = CliRunner().invoke(train, ["sine", "--seed", str(seed)])
    assert result.exit_code == 2
    assert "0<=x<=999999" in result.stderr
