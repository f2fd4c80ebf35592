"""What judges a review without a state: a bag of words, and the last polar word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.tasks.sentiment.grammar import Review
from models.tasks.sentiment.vocabulary import NEGATIONS, NUMBERS, POLARITY, REFUSALS, SYMBOLS


class NaiveBayes:
    """Multinomial naive Bayes with add-one smoothing: Manning, Raghavan and Schütze, "Introduction
    to Information Retrieval", 2008, section 13.2.
    """

    def __init__(self, training: Sequence[Review]) -> None:
        counts = np.ones((2, len(SYMBOLS)))
        labels = np.zeros(2)
        for review in training:
            labels[int(review.positive)] += 1
            np.add.at(counts[int(review.positive)], [NUMBERS[word] for word in review.words], 1)
        likelihoods = np.log(counts / counts.sum(axis=1, keepdims=True))
        self._weights = likelihoods[1] - likelihoods[0]
        self._bias = float(np.log(labels[1] / labels[0]))

    def __call__(self, words: Sequence[str]) -> bool:
        """Whether the review is positive."""
        total = sum(self._weights[NUMBERS[word]] for word in words)
        return bool(self._bias + total > 0)


def last_polar_word(words: Sequence[str]) -> bool:
    """Whether the last good or bad word is a good one, turned by a negation right before it."""
    for place in reversed(range(len(words))):
        if words[place] in POLARITY:
            negated = any(
                tuple(words[max(0, place - len(negation)) : place]) == negation
                for negation in (*NEGATIONS, *REFUSALS)
            )
            return POLARITY[words[place]] != negated
    return True
