"""Checksums of inputs, by which a step that was sent before is told from another one.

Multilinear hashing (Carter and Wegman, "Universal classes of hash functions", 1979; in the form
of Lemire and Kaser, "Strongly universal string hashing is fast", 2014): the inputs as 64-bit
words, each times an odd number of its own, modulo 2^64, of which the upper half is kept. A batch
takes three array operations. It guards against mistakes, not against an attacker.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from service.core.model import Array, Tensors

_WORD = np.dtype("<u8")
_HALF = 32
_SHIFT = np.uint64(_HALF)
_MASK = 2**64 - 1


def checksum(inputs: Sequence[Tensors]) -> int:
    """Of one step; 32 bits."""
    total = first = 0
    for data in inputs:
        words = np.frombuffer(_padded(data), _WORD)
        total += int(words.dot(_multipliers(first, len(words))))
        first += len(words)
    return (total & _MASK) >> _HALF


def checksums(inputs: Sequence[Tensors], rows: int) -> Array:
    """Of many steps, int64 [rows]: in each of `inputs` their tensors one after another."""
    total, first = None, 0
    for data in inputs:
        words = _words(data, rows)
        part = words @ _multipliers(first, words.shape[1])
        total = part if total is None else total + part
        first += words.shape[1]
    if total is None:
        return np.zeros(rows, np.int64)
    total >>= _SHIFT
    return total.view(np.int64)


def _padded(data: Tensors) -> Tensors:
    missing = -len(data) % _WORD.itemsize
    return bytes(data) + bytes(missing) if missing else data


def _words(data: Tensors, rows: int) -> Array:
    """Of each row, the last one filled up with zeros."""
    size = len(data) // rows
    if not size % _WORD.itemsize:
        return np.frombuffer(data, _WORD).reshape(rows, size // _WORD.itemsize)
    padded = np.zeros((rows, size + -size % _WORD.itemsize), np.uint8)
    padded[:, :size] = np.frombuffer(data, np.uint8).reshape(rows, size)
    return padded.view(_WORD)


_made = np.zeros(0, _WORD)


def _multipliers(first: int, count: int) -> Array:
    global _made
    if first + count > len(_made):
        _made = _odd_numbers(2 * (first + count))
    return _made[first : first + count]


def _odd_numbers(count: int) -> Array:
    """The same for ever, as checksums are stored: SplitMix64 (Steele, Lea and Flood, 2014)."""
    state = np.arange(1, count + 1, dtype=_WORD) * np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (state ^ (state >> np.uint64(31))) | np.uint64(1)
