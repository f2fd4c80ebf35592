"""What the receiver hears."""

from __future__ import annotations

import numpy as np
import pytest

from models.tasks.morse import keying
from models.tasks.morse.keying import SPEED, Element, elements, keyed, padded


def test_elements_are_as_the_book_says() -> None:
    assert list(elements("A E", dash=3, letters=3, words=7)) == [
        Element(True, 1),
        Element(False, 1),
        Element(True, 3),
        Element(False, 7),
        Element(True, 1),
    ]
    assert list(elements("ET", dash=3, letters=3, words=7))[1] == Element(False, 3)


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator without a hand of their own, heard without noise, at 2 timesteps a dot."""
    for name in ("DRIFT", "JITTER", "NOISE", "DEEPEST_FADE"):
        monkeypatch.setattr(keying, name, 0.0)
    for name, dots in (("DASH", 3), ("BETWEEN_LETTERS", 3), ("BETWEEN_WORDS", 7), ("SPEED", 2)):
        monkeypatch.setattr(keying, name, (float(dots), float(dots)))


@pytest.mark.usefixtures("steady")
def test_a_steady_key_is_down_for_its_dots_and_dashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keying, "LEAD", (1.0, 1.0))
    heard = keyed("AE", np.random.default_rng(0)).loudness
    silence, dot, dash = [0.0], [1.0] * 2, [1.0] * 6
    tail = [0.0] * int(keying.TAIL * 2)
    assert heard.tolist() == [*silence, *dot, 0, 0, *dash, *[0.0] * 6, *dot, *tail]


@pytest.mark.usefixtures("steady")
def test_a_timestep_has_the_share_for_which_the_key_was_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keying, "LEAD", (1.25, 1.25))
    heard = keyed("E", np.random.default_rng(0)).loudness
    np.testing.assert_allclose(heard[:5], [0, 0.75, 1, 0.25, 0], atol=1e-6)


@pytest.mark.usefixtures("steady")
def test_a_letter_is_certain_in_the_silence_behind_it_a_space_in_the_tone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keying, "LEAD", (0.0, 0.0))
    key = keyed("A E", np.random.default_rng(0))
    # A: 1 + 1 + 3 dots, then the 7 of the space, then 1 of E; 2 timesteps each.
    assert key.known_at == [int(2 * (5 + 1.8)), int(2 * 12 + 1.5), int(2 * (13 + 1.8))]


def test_operators_differ_in_speed_and_stay_within_it() -> None:
    lengths = [
        int((keyed("T", np.random.default_rng(seed)).loudness > 0.5).sum()) for seed in range(300)
    ]
    assert np.quantile(lengths, 0.9) - np.quantile(lengths, 0.1) >= 3
    assert np.median(lengths) == pytest.approx(3 * np.mean(SPEED), abs=1.5)


def test_a_seed_has_its_operator_and_its_noise() -> None:
    first, again, other = (keyed("SOS", np.random.default_rng(seed)).loudness for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert first.dtype == np.float32
    assert first.tolist() != other.tolist()


def test_shorter_messages_end_in_noise() -> None:
    rng = np.random.default_rng(0)
    short, long = np.ones(3, np.float32), np.ones(400, np.float32)
    made = padded([short, long], rng)
    assert made.shape == (2, 400, 1) and made.dtype == np.float32
    assert made[0, :3, 0].tolist() == [1.0] * 3
    assert made[0, 3:].std() == pytest.approx(keying.NOISE, rel=0.15)
