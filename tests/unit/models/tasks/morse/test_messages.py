"""What is keyed."""

from __future__ import annotations

import numpy as np

from models.tasks.morse.code import ALPHABET, BLANK
from models.tasks.morse.messages import (
    WORDS,
    labels_of,
    random_letters,
    random_words,
    timestep_labels_of,
)


def test_random_letters_are_of_the_length_asked_for() -> None:
    rng = np.random.default_rng(0)
    texts = [random_letters(1, 6, rng) for _ in range(500)]
    assert {len(text) for text in texts} == {1, 2, 3, 4, 5, 6}
    assert set("".join(texts)) == set(ALPHABET)
    assert all(" ".join(text.split()) == text for text in texts)


def test_words_are_parted_by_a_space_and_can_be_keyed() -> None:
    text = random_words(3, np.random.default_rng(0))
    assert len(text.split(" ")) == 3 and set(text.split(" ")) <= set(WORDS)
    assert set("".join(WORDS)) <= set(ALPHABET)


def test_labels_are_padded_by_blanks() -> None:
    labels = labels_of(["AB", "Z A"])
    assert labels.tolist() == [[1, 2, BLANK], [26, 27, 1]]


def test_a_label_is_at_its_timestep_and_blanks_elsewhere() -> None:
    labels = timestep_labels_of(["AB", "Z"], [[1, 3], [0]], 5)
    assert labels.tolist() == [[0, 1, 0, 2, 0], [26, 0, 0, 0, 0]]
