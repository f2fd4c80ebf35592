"""Judges without a state."""

from __future__ import annotations

import math

import pytest

from models.tasks.sentiment.baselines import NaiveBayes, last_polar_word
from models.tasks.sentiment.grammar import Place, Review
from models.tasks.sentiment.vocabulary import SYMBOLS


def review(text: str, positive: bool) -> Review:
    return Review(tuple(text.split()), positive, Place.FIRST)


def test_naive_bayes_weighs_words_by_how_often_a_label_has_them() -> None:
    judge = NaiveBayes([review("great great dull", True), review("dull dull great", False)])
    assert judge(["great"]) and not judge(["dull"])
    assert judge(["great", "great", "dull"]) and not judge(["dull", "great", "dull"])


def test_naive_bayes_without_a_known_word_goes_by_the_labels() -> None:
    often = NaiveBayes([review("great", True)] * 3 + [review("dull", False)])
    assert often([])
    # P(positive) = 3/4, P(dull | positive) = 1/(3+V), P(dull | negative) = 2/(1+V)
    size = len(SYMBOLS)
    assert math.log(3) + math.log(1 / (3 + size)) > math.log(2 / (1 + size))
    assert often(["dull"]) and not often(["dull", "dull"])


@pytest.mark.parametrize(
    ("text", "positive"),
    [
        ("it was dull . it was great .", True),
        ("it was great , but dull", False),
        ("it was not great .", False),
        ("it was anything but dull , and it runs for two hours", True),
        ("i could not hate it", True),
        ("not that it was great", True),
        ("it runs", True),
    ],
)
def test_the_last_polar_word_is_turned_by_a_negation_right_before_it(
    text: str, positive: bool
) -> None:
    assert last_polar_word(text.split()) is positive
