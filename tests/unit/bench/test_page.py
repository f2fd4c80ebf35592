"""The page and the table say the same, and the page needs nothing but itself."""

from __future__ import annotations

import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bench import parts, report, wording
from bench.machine import Circumstances, Cores
from bench.page.html import page
from bench.page.svg import Scale
from bench.part import Part, Results
from bench.ratios import CPU, MESSAGE_RATE, P50, P99, Goal, Pairs, row_of
from bench.rows.messages import BOTH
from tests.unit.bench.rounds import a_round

VOID = {"meta", "line", "polyline"}
QUIET = Circumstances("a machine", "Python", Cores(0, 1), 0.1, "2026-01-01 00:00 UTC")
MESSAGES, LONE = parts.PARTS[:2]


def measured(apart: float = 0.0) -> list[tuple[Part, Results]]:
    """Two numbers of streams; the echo's first round is off by `apart`."""
    rows = []
    for streams in (1, 64):
        floor = [a_round(rate=1000 * (1 + apart)), a_round(rate=1000)]
        service = [a_round(rate=900, cpu_us=60), a_round(rate=950, cpu_us=70)]
        pairs = Pairs(streams, floor, service)
        both = Pairs(streams, floor, service, against=BOTH)
        rows += [
            row_of(both, CPU, Goal(1.15)),
            row_of(pairs, MESSAGE_RATE, Goal(0.9, asked=False)),
            row_of(pairs, P50),
            row_of(pairs, P99),
            row_of(pairs, CPU),
        ]
    lone = Pairs(1, floor, service, against="inline <echo>")
    return [
        (MESSAGES, Results(rows, ["as <noted>"], {"64 streams": {1: 3, 60: 7}})),
        (LONE, Results([row_of(lone, P50, Goal(1.25))])),
    ]


class Reader(HTMLParser):
    """Fails where tags do not pair."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_needs_nothing_but_itself() -> None:
    made = page(measured(), QUIET, quick=False)
    reader = Reader()
    reader.feed(made)
    assert reader.open == []
    assert {"script", "link", "img", "iframe", "object"} & set(reader.tags) == set()
    assert not re.search(r"https?:|url\(|@import|src=|href=", made)


def test_every_row_of_the_table_is_on_the_page() -> None:
    made = unescape(re.sub(r"<[^>]*>", " ", page(measured(), QUIET, quick=False)))
    for part, results in measured():
        told = report.table(part.title, results)
        for row in results.rows:
            for words in (row.label, wording.ratio(row), wording.verdict(row), row.against):
                assert words in made and words in told
        for note in results.notes:
            assert note in made and note in told


def test_noise_is_told_and_marked() -> None:
    calm, noisy = (page(measured(apart), QUIET, quick=False) for apart in (0.0, 0.5))
    assert "The machine was quiet" in calm and "~ " not in calm
    assert "lie 40% apart" in noisy and "<td>~ " in noisy
    busy = QUIET._replace(load_average=3.0)
    assert "load average was 3.00" in page(measured(), busy, quick=False)


def test_a_single_part_makes_a_page_too() -> None:
    for one in measured():
        assert one[0].title in page([one], QUIET, quick=True)


def test_a_goal_has_one_verdict_wherever_it_is_told() -> None:
    [(_, results), (_, lone)] = measured()
    cpu, rate = results.rows[:2]
    assert (wording.goal(cpu), wording.verdict(cpu)) == ("≤ 1.15", "NOT REACHED")
    assert (wording.goal(rate), wording.verdict(rate)) == ("≥ 0.9 expected", "as expected")
    assert wording.verdict(lone.rows[0]) == "reached"
    assert wording.verdict(results.rows[2]) == ""


def test_the_json_has_one_entry_for_each_row(tmp_path: Path) -> None:
    report.write_json([results for _, results in measured()], tmp_path / "bench.json")
    entries = json.loads((tmp_path / "bench.json").read_text())
    assert len(entries) == 11
    assert entries[1] == {
        "what": "service, 1 stream: messages/s",
        "against": "echo",
        "ratio": pytest.approx(0.925),
        "min": pytest.approx(0.9),
        "max": pytest.approx(0.95),
        "unit_cost_us": pytest.approx(1e6 / 925),
    }


@pytest.mark.parametrize("logarithmic", [False, True])
def test_an_axis_has_a_few_round_ticks_in_order(logarithmic: bool) -> None:
    axis = Scale(0.3 if logarithmic else 0.0, 700.0, 50.0, 250.0, logarithmic)
    ticks = axis.ticks()
    assert 4 <= len(ticks) <= 12
    places = [axis.place(tick) for tick in ticks]
    assert places == sorted(places) and places[0] >= 50 and places[-1] <= 250
    assert (axis.place(axis.low), axis.place(axis.high)) == (50, 250)
