"""What is keyed."""

from __future__ import annotations

import numpy as np

from models.tasks.morse.code import ALPHABET, BLANK
from models.tasks.morse.messages import LETTERS, WORDS, labels_of, random_letters, random_words


def test_random_letters_are_of_the_length_and_the_letters_asked_for() -> None:
    rng = np.random.default_rng(0)
    texts = [random_letters(1, 6, rng, letters=4) for _ in range(500)]
    assert {len(text) for text in texts} == {1, 2, 3, 4, 5, 6}
    assert set("".join(texts)) == {*LETTERS[:4], " "}
    assert all(" ".join(text.split()) == text for text in texts)


def test_the_shortest_letters_come_first() -> None:
    assert LETTERS[:2] == ("E", "T") and len(set(LETTERS)) == 26


def test_words_are_parted_by_a_space_and_can_be_keyed() -> None:
    text = random_words(3, np.random.default_rng(0))
    assert len(text.split(" ")) == 3 and set(text.split(" ")) <= set(WORDS)
    assert set("".join(WORDS)) <= set(ALPHABET)


def test_labels_are_padded_by_blanks() -> None:
    labels = labels_of(["AB", "Z A"])
    assert labels.tolist() == [[1, 2, BLANK], [26, 27, 1]]
