"""The HTML file."""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser

import pytest

from compare.page import page
from compare.results import Results
from tests.unit.compare.made import diverged, entry, results, trial, usual

VOID = {"meta", "br"}


class Reader(HTMLParser):
    """Collects what a browser would, and fails where tags do not pair."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.tags: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        self._note(attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._note(attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data.strip())

    def _note(self, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src", "xlink:href"):
                self.targets.append(value or "")


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def made() -> str:
    return page(usual())


def test_it_needs_nothing_but_itself(made: str) -> None:
    reader = read(made)
    assert "http" not in made and "url(" not in re.sub(r"url\(#", "", made)
    assert {"script", "link", "img", "iframe", "object"} & set(reader.tags) == set()
    assert [target for target in reader.targets if not target.startswith("#")] == []


def test_references_inside_it_lead_somewhere(made: str) -> None:
    reader = read(made)
    assert len(set(reader.ids)) == len(reader.ids)
    wanted = {target[1:] for target in reader.targets} | set(re.findall(r"url\(#([^)]+)\)", made))
    assert wanted and wanted <= set(reader.ids)


def test_the_plots_take_their_colours_from_the_page(made: str) -> None:
    defined = set(re.findall(r"(--[\w-]+):", made))
    used = set(re.findall(r"var\((--[\w-]+)\)", made))
    assert {"--ink", "--faint", "--series-1", "--series-2"} <= used <= defined
    assert "prefers-color-scheme: dark" in made
    svgs = re.findall(r"<svg.*?</svg>", made, re.DOTALL)
    assert len(svgs) == 4
    assert [re.findall(r"#[0-9a-f]{6}\b", svg) for svg in svgs] == [[], [], [], []]


def test_every_figure_and_note_is_on_it(made: str) -> None:
    text = read(made).text
    for expected in ("gru 4", "2.0 ± 1.4", "error <x> [m]", "rnn 9, seed 1, diverged: <why>."):
        assert expected in text
    assert "stepwire compare made" in text and "length 7" in text


@pytest.mark.parametrize(
    "found",
    [
        results(),
        results(entry("rnn", 4, ("hidden size",), diverged(0), diverged(1), served=False)),
    ],
    ids=["nobody", "nobody scored"],
)
def test_without_scores_it_has_no_plots_but_a_table(found: Results) -> None:
    reader = read(page(found))
    assert "svg" not in reader.tags and "table" in reader.tags


def test_what_was_not_served_is_left_out_of_one_plot() -> None:
    found = results(entry("gru", 4, ("hidden size",), *usual().entries[1].trials, served=False))
    assert page(found).count("<svg") == 3


def test_a_score_that_exploded_is_drawn_beside_the_others() -> None:
    rnn, gru, _ = usual().entries
    exploded = entry("lstm", 4, ("hidden size",), trial(0, math.inf), trial(1, 2.0))
    text = page(results(rnn, gru, exploded))
    assert text.count("<svg") == 4 and "<td>inf</td>" in text
