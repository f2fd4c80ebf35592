"""The words of the reviews by what they do, and the symbols that a network reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

Phrase = tuple[str, ...]

UNKNOWN = "<unknown>"
"""Stands for every word that is not in the vocabulary."""

POSITIVE = (
    *("wonderful", "great", "brilliant", "good", "charming", "moving"),
    *("gripping", "fresh", "superb", "clever", "funny", "beautiful"),
)
NEGATIVE = (
    *("awful", "dull", "bad", "terrible", "boring", "clumsy"),
    *("weak", "tedious", "shallow", "flat", "silly", "dreadful"),
)
LIKES = {"loved": "love", "enjoyed": "enjoy", "liked": "like", "admired": "admire"}
DISLIKES = {"hated": "hate", "disliked": "dislike", "detested": "detest", "resented": "resent"}
"""As told of the past, and as they follow `did not`."""

POLARITY: Mapping[str, bool] = {
    **dict.fromkeys((*POSITIVE, *LIKES, *LIKES.values()), True),
    **dict.fromkeys((*NEGATIVE, *DISLIKES, *DISLIKES.values()), False),
}
"""Whether a polar word is a good one."""


def _phrases(text: str) -> tuple[Phrase, ...]:
    return tuple(tuple(phrase.split()) for phrase in text.split("/"))


NEGATIONS = _phrases("not/never/hardly/far from/anything but")
"""Each turns the adjective that follows it."""
REFUSALS = _phrases("did not/could not")
"""Each turns the verb that follows it."""

WHOLE = _phrases("it/the film/the movie/this film")
PARTS = _phrases(
    f"the acting/the plot/the music/the ending/the script/the camera/the cast/the sound/"
    f"the dialogue/the parking/the popcorn/the {UNKNOWN}"
)
OTHERS = _phrases(
    f"my sister/my brother/my friend/my neighbour/the friend of my sister/the critics/"
    f"everyone else/the man behind me/my {UNKNOWN}"
)
REPORTS = _phrases("said that/thought that/wrote that/told me that")
ADVERBS = _phrases(f"very/really/quite/truly/rather/{UNKNOWN}")
FRANKLY = _phrases("to be honest ,/frankly ,/for my part ,")
"""May open the first verdict."""
OVERALL = _phrases("overall/in short ,/all in all/in the end/on balance ,/to sum up ,")
"""May open the last verdict."""
JOINTS = _phrases(", and/, but/, although/, while/.")
TURNS = _phrases("./, but/. still ,")
"""Lead to the last verdict."""
NEUTRAL = _phrases(
    "we sat in the third row/it runs for two hours/the tickets were sold out/"
    f"we saw it on a {UNKNOWN} evening/the {UNKNOWN} of the {UNKNOWN} is from {UNKNOWN}/"
    f"we went there with my brother/it is the second film of {UNKNOWN} {UNKNOWN}"
)


def _vocabulary() -> tuple[str, ...]:
    phrases = (
        *(*NEGATIONS, *REFUSALS, *WHOLE, *PARTS, *OTHERS, *REPORTS, *ADVERBS, *FRANKLY),
        *(*OVERALL, *JOINTS, *TURNS, *NEUTRAL, tuple(POLARITY), ("i", "found", "for", "me", "was")),
    )
    words = {word for phrase in phrases for word in phrase}
    return (UNKNOWN, *sorted(words - {UNKNOWN}))


SYMBOLS = _vocabulary()
NUMBERS: Mapping[str, int] = {word: number for number, word in enumerate(SYMBOLS)}


def split(text: str) -> list[str]:
    """The words of a text in lower case; a comma, and what ends a sentence, is one of them."""
    words = re.findall(r"[^\W_]+(?:['’-][^\W_]+)*|[,.!?;]", text.lower())
    return ["." if word in "!?;" else word for word in words]


def known(words: Iterable[str], symbols: Sequence[str] = SYMBOLS) -> list[str]:
    """The words as symbols, UNKNOWN for those that are none."""
    return [word if word in symbols else UNKNOWN for word in words]
