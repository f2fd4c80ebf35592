"""The reviews: what decides them, and what training never shows."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from models.tasks.sentiment.grammar import Place, Review, is_held_out, reviews
from models.tasks.sentiment.vocabulary import (
    NEGATIONS,
    NEGATIVE,
    NUMBERS,
    POLARITY,
    POSITIVE,
    REFUSALS,
    Phrase,
)

MADE = reviews(2000, 7, held_out=True)

OPENING = (
    "(?:(?:to be honest|frankly|for my part|overall|in short|all in all|in the end|on balance|"
    "to sum up) (?:, )?)?"
)
WHOLE = r"(?:it|the film|the movie|this film)"
VERDICT = re.compile(
    rf"{OPENING}(?:i (?P<feeling>.+) {WHOLE}|(?:for me )?{WHOLE} was (?P<quality>.+)|"
    rf"i found {WHOLE} (?P<found>.+))"
)
JOINT = re.compile(r" (?:, and|, but|, although|, while|\.)(?: still ,)? ")


def judged(judgement: str) -> bool:
    """By its last word, turned by any other word that negates."""
    *before, word = judgement.split()
    return POLARITY[word] != bool({"not", "never", "hardly", "far", "anything"} & set(before))


def verdicts(review: Review) -> list[tuple[int, bool]]:
    """The clauses that are the writer's on the whole film, and whether they are positive."""
    clauses = JOINT.split(" ".join(review.words).removesuffix(" ."))
    found = []
    for place, clause in enumerate(clauses):
        if match := VERDICT.fullmatch(clause):
            judgement = next(group for group in match.groups() if group)
            found.append((place - len(clauses), judged(judgement)))
    return found


def negations(review: Review) -> Iterator[tuple[Phrase, str]]:
    adjectives = {*POSITIVE, *NEGATIVE}
    for negation in (*NEGATIONS, *REFUSALS):
        for place in range(len(review.words) - len(negation)):
            end = place + len(negation)
            word = review.words[end]
            turned = word in POLARITY and (word in adjectives) == (negation in NEGATIONS)
            if review.words[place:end] == negation and turned:
                yield negation, word


def test_the_last_verdict_decides_and_is_where_the_review_says() -> None:
    for review in MADE:
        found = verdicts(review)
        assert len(found) == (2 if review.place is Place.BOTH else 1)
        last, positive = found[-1]
        assert positive == review.positive
        assert review.overturned == (found[0][1] != positive)
        if review.place is not Place.FIRST:
            assert last >= -2


def test_labels_and_places_are_as_common_as_each_other() -> None:
    assert sum(review.positive for review in MADE) == pytest.approx(1000, abs=100)
    for place in Place:
        assert sum(review.place is place for review in MADE) == pytest.approx(667, abs=100)


def test_only_the_held_out_reviews_have_the_held_out_negations() -> None:
    training = [pair for review in reviews(2000, 7) for pair in negations(review)]
    held_out = [pair for review in MADE for pair in negations(review)]
    assert not any(is_held_out(*pair) for pair in training)
    assert any(is_held_out(*pair) for pair in held_out)
    assert {negation for negation, _ in training} == {*NEGATIONS, *REFUSALS}
    assert {word for _, word in training} == {word for _, word in held_out}


def test_a_review_knows_when_an_unseen_negation_decides_it() -> None:
    unseen = [review for review in MADE if review.unseen]
    assert 0.05 < len(unseen) / len(MADE) < 0.2
    for review in unseen:
        assert any(is_held_out(*pair) for pair in negations(review))


def test_every_word_is_in_the_vocabulary_and_every_word_of_it_is_used() -> None:
    assert {word for review in MADE for word in review.words} == set(NUMBERS)


def test_a_seed_has_its_reviews() -> None:
    assert reviews(5, 1) == reviews(5, 1) != reviews(5, 2)
