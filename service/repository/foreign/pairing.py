"""Which output renews which state, by their names alone.

A name is split into words: `hidden_in`, `h0`, `newState`. A pair has the same words but for
one mark of age: `h` and `h_next`, `h_0` and `h_n`, `past.0.key` and `present.0.key`. Some
marks, such as *in* and *out*, also stand for what a client sends and gets; they count only
beside a word for a state, such as *hidden*.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import IntEnum

Words = tuple[str, ...]


class Match(IntEnum):
    NONE = 0
    MAYBE = 1
    """The names fit, and may as well be those of an input and its output."""
    SURE = 2


_OLD: tuple[Words, ...] = (
    ("prev",),
    ("previous",),
    ("old",),
    ("past",),
    ("last",),
    ("init",),
    ("initial",),
    ("tm", "1"),
    ("t", "minus", "1"),
)
_NEW: tuple[Words, ...] = (
    ("next",),
    ("new",),
    ("updated",),
    ("present",),
    ("final",),
    ("'",),
    ("prime",),
    ("tp", "1"),
    ("t", "plus", "1"),
)
_MAYBE_OLD: tuple[Words, ...] = (("in",), ("input",), ("0",), ("t",))
_MAYBE_NEW: tuple[Words, ...] = (("out",), ("output",), ("n",), ("1",), ("t",), ("last",))

_STATE_WORDS = frozenset(
    {"h", "c", "hx", "cx", "hidden", "cell", "state", "states", "mem", "memory"}
    | {"cache", "cached", "carry", "rnn", "gru", "lstm"}
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|'|[^\W\da-zA-Z_]+")


def match(state: str, renewed: str) -> Match:
    """How well the name of an output fits that of the state it may renew."""
    best = Match.NONE
    for stem, old_is_sure in _stems(words(state), _OLD, _MAYBE_OLD):
        for other, new_is_sure in _stems(words(renewed), _NEW, _MAYBE_NEW):
            if stem != other or not stem or (old_is_sure is None and new_is_sure is None):
                continue
            sure = False not in (old_is_sure, new_is_sure) or _STATE_WORDS.intersection(stem)
            best = max(best, Match.SURE if sure else Match.MAYBE)
    return best


def words(name: str) -> Words:
    """`newState.0` → new, state, 0; `hn` → h, n."""
    found: list[str] = []
    for part in _WORD.findall(name):
        word = part.lower()
        glued = word[-1] == "n" and word[:-1] in _STATE_WORDS
        found += [word[:-1], "n"] if glued else [word]
    return tuple(found)


def _stems(
    name: Words, sure: tuple[Words, ...], maybe: tuple[Words, ...]
) -> Iterator[tuple[Words, bool | None]]:
    """The name without each of its marks, and whether that mark is a sure one; None: no mark."""
    yield name, None
    for marks, is_sure in ((sure, True), (maybe, False)):
        for mark in marks:
            for start in range(len(name) - len(mark) + 1):
                if name[start : start + len(mark)] == mark:
                    yield name[:start] + name[start + len(mark) :], is_sure
