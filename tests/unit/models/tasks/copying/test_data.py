"""Episodes of delayed copy."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.tasks.copying.data import BLANK, CUE, LETTERS, SHOWN, SYMBOLS, episodes


@given(st.integers(1, 20), st.integers(SHOWN, 60), st.integers(0, 2**32))
def test_letters_then_blanks_then_the_cue(rows: int, delay: int, seed: int) -> None:
    made = episodes(rows, delay, np.random.default_rng(seed))
    assert made.symbols.shape == (rows, delay + SHOWN)
    for symbols, letters in zip(made.symbols, made.letters, strict=True):
        text = "".join(SYMBOLS[symbol] for symbol in symbols)
        shown = "".join(LETTERS[letter] for letter in letters)
        assert text == shown + BLANK * (delay - SHOWN) + CUE + BLANK * (SHOWN - 1)


def test_letters_are_uniform() -> None:
    letters = episodes(4000, SHOWN, np.random.default_rng(0)).letters
    counts = np.bincount(letters.ravel(), minlength=len(LETTERS))
    np.testing.assert_allclose(counts / letters.size, 1 / len(LETTERS), atol=0.01)
