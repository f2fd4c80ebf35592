"""The words of the reviews."""

from __future__ import annotations

import pytest

from models.tasks.sentiment.vocabulary import NUMBERS, POLARITY, SYMBOLS, UNKNOWN, known, split


def test_every_word_is_one_symbol_and_the_unknown_is_among_them() -> None:
    assert len(set(SYMBOLS)) == len(SYMBOLS) < 150
    assert SYMBOLS[NUMBERS["film"]] == "film"
    assert UNKNOWN in SYMBOLS
    assert set(POLARITY) < set(SYMBOLS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I loved it, frankly.", ["i", "loved", "it", ",", "frankly", "."]),
        ("Bad?! Don't go;", ["bad", ".", ".", "don't", "go", "."]),
        ("a film-noir of 1947 (été)", ["a", "film-noir", "of", "1947", "été"]),
        (" \n", []),
    ],
)
def test_a_text_is_split_into_words_and_stops(text: str, words: list[str]) -> None:
    assert split(text) == words


def test_a_word_that_is_no_symbol_is_the_unknown_one() -> None:
    assert known(["the", "zeppelin", "was", "dull"]) == ["the", UNKNOWN, "was", "dull"]
    assert known(["the", "a"], symbols=("a", UNKNOWN)) == [UNKNOWN, "a"]
