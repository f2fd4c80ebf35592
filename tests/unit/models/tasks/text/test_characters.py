"""Which characters a model knows, and their numbers."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from models.tasks.text.characters import MOST, ONE_IN, REPLACEMENT, encoded, vocabulary

TEXTS = st.text(min_size=1, max_size=200)


def decoded(text: str, characters: Sequence[str]) -> str:
    """Encoded by the characters, and back."""
    return "".join(characters[code] for code in encoded(text, characters))


def test_a_rare_character_is_not_in_the_vocabulary() -> None:
    text = "a" * (3 * ONE_IN - 5) + "b" * 3 + "cc"
    assert vocabulary(text) == ("a", "b", REPLACEMENT)


def test_of_too_many_characters_the_most_frequent_are_kept() -> None:
    rare = "".join(map(chr, range(0x4E00, 0x4E00 + MOST)))
    kept = vocabulary(rare + "zz")
    assert len(kept) == MOST
    assert "z" in kept


@given(TEXTS)
def test_a_text_comes_back(text: str) -> None:
    characters = vocabulary(text)
    assert len(set(characters)) == len(characters)
    assert decoded(text, characters) == text


@given(TEXTS, TEXTS)
def test_an_unknown_character_becomes_the_replacement(known: str, text: str) -> None:
    characters = vocabulary(known)
    expected = "".join(name if name in characters else REPLACEMENT for name in text)
    assert decoded(text, characters) == expected
