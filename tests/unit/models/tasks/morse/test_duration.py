"""The rules that read Morse code without a network."""

from __future__ import annotations

import numpy as np
import pytest

from models.tasks.morse import keying
from models.tasks.morse.duration import decoded, own_dot
from models.tasks.morse.keying import elements, keyed


def perfect(text: str, dot: int) -> np.typing.NDArray[np.float32]:
    """Without noise, by the book."""
    runs = [
        np.full(int(element.dots) * dot, float(element.is_down), np.float32)
        for element in elements(text, dash=3, letters=3, words=7)
    ]
    return np.concatenate([np.zeros(5, np.float32), *runs, np.zeros(20, np.float32)])


@pytest.mark.parametrize("dot", [2, 3])
def test_a_perfect_key_is_read_as_it_was_keyed(dot: int) -> None:
    text = "THE QUICK BROWN FOX JUMPS OVER A LAZY DOG"
    assert decoded(perfect(text, dot), dot) == text


def test_at_the_wrong_speed_dashes_are_dots() -> None:
    assert decoded(perfect("T", 2), 4.0) == "E"


@pytest.mark.parametrize("dot", [2.2, 3.0])
def test_a_noisy_message_tells_its_speed(dot: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keying, "SPEED", (dot, dot))
    rng = np.random.default_rng(0)
    found = [own_dot(keyed("PARIS", rng).loudness) for _ in range(100)]
    assert np.mean(found) == pytest.approx(dot, rel=0.05)


def test_silence_has_no_text() -> None:
    assert decoded(np.zeros(30, np.float32), 2.0) == ""
