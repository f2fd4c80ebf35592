"""Morse's alphabet, the best path, and the distance between texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.tasks.morse.code import ALPHABET, BLANK, CODE, LABELS, best_path, edits, grown

texts = st.text(alphabet="ABC ", max_size=8)


def test_every_letter_has_its_own_marks() -> None:
    assert len(CODE) == len(set(CODE.values())) == 26
    assert [CODE[letter] for letter in "SOS"] == ["...", "---", "..."]
    assert LABELS[BLANK] == "<blank>" and len(LABELS) == len(ALPHABET) + 1


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        ([0, 1, 1, 0, 0, 2], "AB"),
        ([1, 0, 1], "AA"),
        ([1, 1, 2, 2, 27, 27, 1], "AB A"),
        ([0, 0], ""),
        ([], ""),
    ],
)
def test_repeats_count_once_unless_a_blank_parts_them(labels: list[int], text: str) -> None:
    assert best_path(labels) == text


@given(st.lists(st.integers(0, len(LABELS) - 1)))
def test_the_text_can_be_grown_as_the_labels_arrive(labels: list[int]) -> None:
    pairs = zip([BLANK, *labels], labels, strict=False)
    assert "".join(grown(before, label) for before, label in pairs) == best_path(labels)


@pytest.mark.parametrize(
    ("text", "other", "distance"),
    [("", "ABC", 3), ("ABC", "", 3), ("KITTEN", "SITTING", 3), ("AB", "BA", 2), ("A B", "AB", 1)],
)
def test_edits_are_the_fewest(text: str, other: str, distance: int) -> None:
    assert edits(text, other) == distance


@given(texts, texts, texts)
def test_edits_are_a_distance(one: str, two: str, three: str) -> None:
    assert (edits(one, two) == 0) == (one == two)
    assert edits(one, two) == edits(two, one)
    assert edits(one, three) <= edits(one, two) + edits(two, three)
