"""Film reviews from a grammar: one clause decides, the others distract.

A verdict is a clause in which the writer judges the film as a whole: "i loved it", "overall the
film was far from dull". A review is as positive as its last verdict. What is said of parts of the
film, and what others made of it, is of either polarity and decides nothing. A verdict comes first,
and must be remembered; or towards the end, and must overwrite whatever came before, perhaps an
earlier verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple, TypeVar

import numpy as np

from models.tasks.sentiment.vocabulary import (
    ADVERBS,
    DISLIKES,
    FRANKLY,
    JOINTS,
    LIKES,
    NEGATIONS,
    NEGATIVE,
    NEUTRAL,
    OTHERS,
    OVERALL,
    PARTS,
    POSITIVE,
    REFUSALS,
    REPORTS,
    TURNS,
    UNKNOWN,
    WHOLE,
    Phrase,
)

T = TypeVar("T")

NEGATED = 0.35
"""The share of judgements that say it by negating the opposite."""
DISTRACTORS = (1, 7)
"""Clauses beside the verdicts: at least, and fewer than."""


class Place(Enum):
    """Where a review's verdicts are: the last one has at most one clause behind it."""

    FIRST = "first"
    LAST = "last"
    BOTH = "both"


class Clause(NamedTuple):
    words: Phrase
    unseen: bool = False
    """It negates a word in a way that training never shows."""


class Review(NamedTuple):
    words: Phrase
    positive: bool
    place: Place
    overturned: bool = False
    """An earlier verdict said the opposite."""
    unseen: bool = False
    """Of the verdict that decides."""


def is_held_out(negation: Phrase, word: str) -> bool:
    """Whether the pair is kept from training, which shows each of the two in other pairs."""
    if negation in REFUSALS:
        verbs = (*LIKES.values(), *DISLIKES.values())
        return (REFUSALS.index(negation) + verbs.index(word)) % 4 == 0
    words = (*POSITIVE, *NEGATIVE)
    return (NEGATIONS.index(negation) + words.index(word)) % 4 == 0


class Writer:
    """Makes reviews. `held_out`: with the pairs of negation and word that training never shows."""

    def __init__(self, rng: np.random.Generator, *, held_out: bool = False) -> None:
        self._rng = rng
        self._held_out = held_out

    def review(self) -> Review:
        place = self._one(list(Place))
        positive, before = self._chance(0.5), self._chance(0.5)
        distractors = [self._distractor() for _ in range(self._rng.integers(*DISTRACTORS))]
        first = self._verdict(before if place is Place.BOTH else positive, FRANKLY)
        last = self._verdict(positive, OVERALL)
        words = self._joined(distractors if place is Place.LAST else [first, *distractors])
        if place is not Place.FIRST:
            aside = [self._distractor()] if self._chance(0.5) else []
            words = (*words, *self._one(TURNS), *self._joined([last, *aside]))
        decisive = first if place is Place.FIRST else last
        overturned = place is Place.BOTH and before != positive
        return Review((*words, "."), positive, place, overturned, decisive.unseen)

    def _joined(self, clauses: Sequence[Clause]) -> Phrase:
        words = clauses[0].words
        for clause in clauses[1:]:
            words = (*words, *self._one(JOINTS), *clause.words)
        return words

    def _verdict(self, positive: bool, openings: Sequence[Phrase]) -> Clause:
        opening = self._one(openings) if self._chance(0.7) else ()
        whole = self._one(WHOLE)
        form = self._rng.integers(4)
        if form == 0:
            feeling = self._feeling(positive)
            return Clause((*opening, "i", *feeling.words, *whole), feeling.unseen)
        quality = self._quality(positive)
        start = [(*whole, "was"), ("for", "me", *whole, "was"), ("i", "found", *whole)][form - 1]
        return Clause((*opening, *start, *quality.words), quality.unseen)

    def _distractor(self) -> Clause:
        form, positive = self._rng.integers(4), self._chance(0.5)
        subject = self._one((*WHOLE, *PARTS))
        if form == 0:
            return Clause(self._one(NEUTRAL))
        if form == 1:
            return Clause((*self._one(PARTS), "was", *self._quality(positive).words))
        if form == 2:
            return Clause((*self._one(OTHERS), *self._feeling(positive).words, *subject))
        report = (*self._one(OTHERS), *self._one(REPORTS))
        quality = (UNKNOWN,) if self._chance(0.1) else self._quality(positive).words
        return Clause((*report, *subject, "was", *quality))

    def _quality(self, positive: bool) -> Clause:
        """An adjective of that polarity, or an opposite one negated."""
        if not self._chance(NEGATED):
            adverb = self._one(ADVERBS) if self._chance(0.4) else ()
            return Clause((*adverb, self._one(POSITIVE if positive else NEGATIVE)))
        return self._negated(NEGATIONS, NEGATIVE if positive else POSITIVE)

    def _feeling(self, positive: bool) -> Clause:
        """A verb of that polarity, or an opposite one negated."""
        if not self._chance(NEGATED):
            return Clause((self._one(list(LIKES if positive else DISLIKES)),))
        return self._negated(REFUSALS, list((DISLIKES if positive else LIKES).values()))

    def _negated(self, negations: Sequence[Phrase], words: Sequence[str]) -> Clause:
        while True:
            negation, word = self._one(negations), self._one(words)
            unseen = is_held_out(negation, word)
            if self._held_out or not unseen:
                return Clause((*negation, word), unseen)

    def _one(self, choices: Sequence[T]) -> T:
        return choices[int(self._rng.integers(len(choices)))]

    def _chance(self, share: float) -> bool:
        return bool(self._rng.random() < share)


def reviews(count: int, seed: int, *, held_out: bool = False) -> list[Review]:
    """The same ones for the same arguments."""
    writer = Writer(np.random.default_rng(seed), held_out=held_out)
    return [writer.review() for _ in range(count)]
