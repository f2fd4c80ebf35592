"""The N-gram model: a probability distribution, from the right counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.tasks.text.characters import Codes
from models.tasks.text.ngram import NGram

CHARACTERS = 4
TEXTS = st.lists(st.integers(0, CHARACTERS - 1), min_size=5, max_size=60)
CONTEXTS = st.lists(st.integers(0, CHARACTERS - 1), min_size=1, max_size=6)
ORDERS = st.integers(1, 5)


def model(text: list[int], n: int, characters: int = CHARACTERS) -> NGram:
    return NGram.of(np.array(text, np.int64), characters, n)


def followed(context: list[int]) -> Codes:
    """The context [H] with each character behind it: [CHARACTERS, H + 1]."""
    return np.array([[*context, character] for character in range(CHARACTERS)], np.int64)


@given(TEXTS, CONTEXTS, ORDERS)
def test_in_any_context_the_probabilities_sum_to_one(
    text: list[int], context: list[int], n: int
) -> None:
    probabilities = model(text, n).probabilities(followed(context))[:, -1]
    assert (probabilities > 0).all()
    assert probabilities.sum() == pytest.approx(1)


@given(TEXTS, CONTEXTS, ORDERS)
def test_only_so_many_characters_count_as_context(
    text: list[int], context: list[int], n: int
) -> None:
    long = model(text, n).probabilities(followed([0, 1, 2, 3, *context]))[:, -1]
    seen = [0, 1, 2, 3, *context][-max(n - 1, 1) :]
    np.testing.assert_array_equal(long, model(text, n).probabilities(followed(seen))[:, -1])


def test_a_bigram_by_hand() -> None:
    # Text 0 1 0 1 0 2. Bigrams 01 and 10 twice, 02 once: D = 1 / (1 + 2 * 2). One character was
    # seen in front of each of 0, 1 and 2, so that for them D = 3 / (3 + 0) = 1 and p(c) = 1 / 4.
    probabilities = model([0, 1, 0, 1, 0, 2], 2).probabilities(followed([0]))[:, -1]
    discount = 1 / 5
    freed = 2 * discount / 3 / 4
    expected = [freed, (2 - discount) / 3 + freed, (1 - discount) / 3 + freed, freed]
    np.testing.assert_allclose(probabilities, expected)


def test_the_shorter_order_counts_what_was_in_front() -> None:
    # 3 is the most frequent character, but only ever after 2.
    text = [2, 3, 2, 3, 2, 3, 2, 3, 0, 1, 1, 0, 0, 2, 1, 3, 1, 2]
    unseen = model(text, 2).probabilities(followed([0]))[:, -1]
    assert unseen[3] < 0.25


def test_a_longer_context_tells_more() -> None:
    rng = np.random.default_rng(0)
    words = [list(rng.integers(CHARACTERS, size=5)) for _ in range(8)]
    text = [int(c) for word in rng.integers(8, size=900) for c in words[word]]
    rows = np.array(text[-1000:], np.int64).reshape(10, 100)
    bits = [-np.log2(model(text[:-1000], n).probabilities(rows)).mean() for n in (1, 2, 3, 4, 5)]
    assert bits == sorted(bits, reverse=True)
    assert bits[-1] < 0.6 * bits[0]


def test_its_memory_is_keys_and_counts_in_the_narrowest_types() -> None:
    # 3 grams of length 1 have keys below 300, 2 bytes; 3 of length 2 below 300^2, 4 bytes.
    assert model([0, 1, 0, 1, 0, 2], 2, characters=300).bytes == 3 * (2 + 1) + 3 * (4 + 1)
