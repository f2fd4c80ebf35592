"""International Morse code (ITU-R M.1677-1), and texts that can be keyed in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

CODE: Mapping[str, str] = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (
            *(".-", "-...", "-.-.", "-..", ".", "..-.", "--.", "....", "..", ".---", "-.-", ".-.."),
            *("--", "-.", "---", ".--.", "--.-", ".-.", "...", "-", "..-", "...-", ".--", "-..-"),
            *("-.--", "--.."),
        ),
        strict=True,
    )
)

SPACE = " "
ALPHABET = (*CODE, SPACE)
BLANK = 0
"""The label of nothing new; character n of the alphabet has label n + 1."""
LABELS = ("<blank>", *CODE, "<space>")


def best_path(labels: Sequence[int]) -> str:
    """The text of the likeliest label at each timestep: repeats count once, blanks not at all.

    Graves, Fernández, Gomez and Schmidhuber, "Connectionist temporal classification", ICML 2006,
    section 3.2.
    """
    text, before = "", BLANK
    for label in labels:
        text += grown(before, label)
        before = label
    return text


def grown(before: int, label: int) -> str:
    """What a timestep's label adds to the text behind the label of the timestep before."""
    return "" if label in (BLANK, before) else ALPHABET[label - 1]


def edits(text: str, other: str) -> int:
    """Characters to insert, delete or replace to turn one text into the other: Levenshtein 1966."""
    row = list(range(len(other) + 1))
    for place, character in enumerate(text, start=1):
        diagonal, row[0] = row[0], place
        for column, wanted in enumerate(other, start=1):
            replaced = diagonal + (character != wanted)
            diagonal = row[column]
            row[column] = min(replaced, row[column] + 1, row[column - 1] + 1)
    return row[-1]
