"""An N-gram model of characters: the baseline.

Kneser-Ney smoothing, interpolated: Kneser and Ney, "Improved backing-off for m-gram language
modeling", ICASSP 1995, in the form of Chen and Goodman, "An empirical study of smoothing
techniques for language modeling", Computer Speech & Language 13 (1999), equations 26 and 27:

    p(c | h) = (n(hc) - D)+ / n(h) + D t(h) / n(h) p(c | h')

n counts occurrences in the longest order and, in shorter ones, how many characters have been seen
in front; n(h) is the sum of n(hc) over c, t(h) how many c have n(hc) > 0, h' is h without its
first character. Where h was not seen, p(c | h) = p(c | h'); without any context every character
has the same probability. D = n1 / (n1 + 2 n2) of an order, by how many of its grams have n = 1, 2.

V characters in the vocabulary; a gram c1 ... ck has the key c1 V^(k-1) + ... + ck.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from models.tasks.text.characters import Codes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

UNSURE = 0.5
"""D where no gram has n = 1: something is left to the grams that were not seen."""


class Grams:
    """The grams of one length that were seen."""

    def __init__(self, length: int, characters: int, occurrences: Ints) -> None:
        """`occurrences`: keys, each as often as it counts."""
        self._characters = characters
        self.keys, self._counts = np.unique(occurrences, return_counts=True)
        self._sums = np.concatenate([[0], np.cumsum(self._counts)])
        once, twice = np.sum(self._counts == 1), np.sum(self._counts == 2)
        self._discount = float(once / (once + 2 * twice)) if once else UNSURE
        self._largest = characters**length - 1

    @property
    def bytes(self) -> int:
        """A key and an n for each gram, both in the narrowest unsigned type that holds them all."""
        return len(self.keys) * (_width(self._largest) + _width(int(self._counts.max())))

    def interpolated(self, keys: Ints, shorter: Floats) -> Floats:
        """p(c | h) of grams hc, from p(c | h'); both of one shape."""
        first = keys - keys % self._characters  # of all grams that begin with h
        n, _ = self._between(keys, keys + 1)
        n_of_context, kinds = self._between(first, first + self._characters)
        kept, freed = np.maximum(n - self._discount, 0), self._discount * kinds
        mixed = (kept + freed * shorter) / np.maximum(n_of_context, 1)
        return np.where(n_of_context > 0, mixed, shorter)

    def _between(self, first: Ints, end: Ints) -> tuple[Ints, Ints]:
        """The sum of n over grams with first <= key < end, and how many there are."""
        left, right = np.searchsorted(self.keys, first), np.searchsorted(self.keys, end)
        return self._sums[right] - self._sums[left], right - left


class NGram:
    """p(c | h) for contexts h of up to N - 1 characters."""

    def __init__(self, characters: int, orders: Sequence[Grams]) -> None:
        """`orders`: the grams of length 1 to N."""
        self._characters = characters
        self._orders = orders

    @classmethod
    def of(cls, text: Codes, characters: int, n: int) -> Self:
        """Counts the grams of a text [T]."""
        orders = [Grams(n, characters, _keys(text, characters, n))]
        for length in range(n - 1, 0, -1):
            endings = orders[0].keys % characters**length  # once for each character in front
            orders.insert(0, Grams(length, characters, endings))
        return cls(characters, orders)

    @property
    def bytes(self) -> int:
        return sum(grams.bytes for grams in self._orders)

    def probabilities(self, rows: Codes) -> Floats:
        """Of each character but the first in rows [R, T], by those before it: [R, T - 1]."""
        following: Floats = np.full(rows[:, 1:].shape, 1 / self._characters)
        for length, grams in enumerate(self._orders[: rows.shape[1]], start=1):
            keys = _keys(rows, self._characters, length)[..., -following.shape[1] :]
            reached = following[:, -keys.shape[1] :]  # has a context of length - 1 characters
            reached[:] = grams.interpolated(keys, reached)
        return following


def _keys(codes: Codes, characters: int, length: int) -> Ints:
    """Of the grams in [..., T]: [..., T - length + 1]."""
    count = codes.shape[-1] - length + 1
    keys: Ints = np.zeros((*codes.shape[:-1], count), np.int64)
    for place in range(length):
        keys = keys * characters + codes[..., place : place + count]
    return keys


def _width(largest: int) -> int:
    """Bytes."""
    return int(np.min_scalar_type(largest).itemsize)
