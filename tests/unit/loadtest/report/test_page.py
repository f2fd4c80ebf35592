"""The HTML file of a run and of a search."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from loadtest.finding import Found, Tried
from loadtest.interval import Interval
from loadtest.report.page import found_page, run_page
from tests.loads import interval, outcome

FACTS = {"server": "localhost:50051", "began": "2025-01-01T00:00:00+00:00"}


class Reader(HTMLParser):
    """Collects what a browser would show, and fails where tags do not pair."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [name for name, _ in attrs]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [name for name, _ in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data.strip())


def read(page: str) -> str:
    """Its text. It refers to nothing outside, and no figure is not a number."""
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    assert not {"src", "href", "xlink:href"} & set(reader.attributes)
    assert "url(" not in page and "<script" not in page
    assert not re.search(r"\b(nan|inf)\b", page)
    return " ".join(reader.text)


def drawing(page: str, label: str) -> ElementTree.Element:
    (svg,) = re.findall(rf'<svg [^>]*aria-label="{label}".*?</svg>', page, re.DOTALL)
    return ElementTree.fromstring(svg)


def steady(count: int = 8, misses: int = 0) -> list[Interval]:
    latencies, lateness = [0.001] * 90 + [0.009] * 10, [0.0002] * 100
    batches = {1: 60, 4: 40}
    return [
        interval(latencies, lateness=lateness, batches=batches, misses=misses) for _ in range(count)
    ]


def test_a_run_is_told_and_drawn() -> None:
    page = run_page(outcome(*steady(misses=3), rate=100.0), FACTS)
    text = read(page)
    assert "Load on pendulum-gru/3" in text
    assert "half of the steps answered within 1.00 ms of when they were due" in text
    for told in ("Latency over time", "Percentiles", "Batch sizes", "Misses over time", "3.00%"):
        assert told in text
    assert "localhost:50051" in text and "x: float32[2]" in text


def test_each_percentile_over_time_has_a_point_for_each_interval() -> None:
    svg = drawing(run_page(outcome(*steady(8)), FACTS), "Latency over time")
    curves = [each.get("points", "").split() for each in svg.iter("polyline")]
    assert [len(points) for points in curves] == [8] * 5
    heights = [float(points[0].split(",")[1]) for points in curves[:4]]
    assert heights == sorted(heights, reverse=True), "p50 is below p90 below p99 below max"


def test_the_percentile_curve_marks_what_the_table_says() -> None:
    svg = drawing(run_page(outcome(*steady(8)), FACTS), "Latency by percentile")
    told = [title.text for title in svg.iter("title")]
    assert told == ["50 % within 1.00 ms", "90 % within 1.00 ms", "99 % within 9.00 ms"]


def test_a_bar_for_each_batch_size() -> None:
    svg = drawing(run_page(outcome(*steady(4)), FACTS), "Answers by batch size")
    told = [title.text for title in svg.iter("title")]
    assert told == ["1 stream: 60.0% of the answers", "4 streams: 40.0% of the answers"]
    bars = [bar for bar in svg.iter("rect") if "bar" in bar.get("class", "")]
    heights = [float(bar.get("height", "")) for bar in bars]
    assert heights[0] / heights[1] == pytest.approx(60 / 40, rel=0.01)


def test_a_thousand_batch_sizes_share_bars() -> None:
    crowded = interval([0.001], batches=dict.fromkeys(range(1, 1001), 1))
    svg = drawing(run_page(outcome(crowded), FACTS), "Answers by batch size")
    bars = [bar for bar in svg.iter("rect") if "bar" in bar.get("class", "")]
    assert 32 < len(bars) <= 64


def test_errors_are_marked_where_they_were() -> None:
    with_errors = [*steady(2), interval([0.001], errors={"RunFailed": 7})]
    svg = drawing(run_page(outcome(*with_errors), FACTS), "Answers a second over time")
    assert "7 errors" in [title.text for title in svg.iter("title")]


def test_without_misses_there_is_no_figure_of_them() -> None:
    assert "Misses over time" not in read(run_page(outcome(*steady()), FACTS))


def test_steps_that_were_not_answered_are_not_told_as_answered() -> None:
    lost = interval(errors={"no answer": 100})
    lost.latency.record([5.0] * 100)
    text = read(run_page(outcome(*steady(2), lost), FACTS))
    assert "100 of 300 steps not answered. From when they were due, half waited for 1.00 ms" in text
    assert "99 % for 5.00 s." in text and "answered within" not in text


@pytest.mark.parametrize("intervals", [[], [interval()], [interval(errors={"Unavailable": 4})]])
def test_a_run_without_answers_has_a_page(intervals: list[Interval]) -> None:
    assert "no step was answered" in read(run_page(outcome(*intervals), FACTS))


def test_a_single_answer_is_drawn() -> None:
    read(run_page(outcome(interval([0.0], lateness=[0.0])), FACTS))


def test_a_late_loader_is_told() -> None:
    late = outcome(interval([0.01] * 50, lateness=[0.005] * 50))
    assert "The loader fell behind its schedule: 5.00 ms at p99" in read(run_page(late, FACTS))


def test_what_others_name_is_text() -> None:
    page = run_page(outcome(*steady()), {"server": "<script>alert(1)</script>"})
    assert "<script>alert(1)</script>" in read(page)


def tried(rate: float, latency: float, failure: str | None) -> Tried:
    of = outcome(interval([latency] * 100), rate=rate)
    return Tried(rate, "bisect", of, failure)


def test_a_search_is_told_with_all_its_trials() -> None:
    trials = (
        tried(100.0, 0.001, None),
        tried(200.0, 0.05, "p99 is 50.0 ms"),
        tried(150.0, 0.002, None),
    )
    page = found_page(Found(trials, trials[2], False), ["p99<10ms"], FACTS)
    text = read(page)
    assert "600 steps/s is the most that holds p99<10ms: 4 streams of 150/s each." in text
    assert "does not hold: p99 is 50.0 ms" in text and "The run that confirmed it" in text
    svg = drawing(page, "Latency by rate")
    assert len([dot for dot in svg.iter("circle") if "hollow" in dot.get("class", "")]) == 2
    assert len([dot for dot in svg.iter("circle") if "hollow" not in dot.get("class", "")]) == 4


def test_a_search_that_found_nothing_says_so() -> None:
    nothing = Found((tried(100.0, 0.05, "p99 is 50.0 ms"),), None, False)
    text = read(found_page(nothing, ["p99<1ms", "errors<1"], FACTS))
    assert "No load that was tried holds p99<1ms and errors<1." in text
