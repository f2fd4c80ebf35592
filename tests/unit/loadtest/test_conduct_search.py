"""Searches, with a crew that only says what came of their trials."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loadtest.conduct import search_highest
from loadtest.criteria import criterion
from loadtest.endings import Interrupted, LoaderDied, LoadRefused
from loadtest.load import Load
from loadtest.outcome import Outcome
from stepwire.refused import Refused
from tests.crews import Saying, Serve, bench, files, holding, steady
from tests.loads import interval, load, outcome


def test_the_rate_of_streams_rises(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    crew, figures = Saying(holding(1500.0)), tmp_path / "found.json"
    search_highest(
        *(bench(crew), load(streams=4, rate=20.0), (criterion("p99<10ms"),)),
        by_streams=False,
        files=files(json_=figures),
    )
    assert [of.asked for of in crew.asked[:4]] == [200.0, 400.0, 800.0, 1600.0]
    assert {of.streams for of in crew.asked} == {4}
    *trials, confirmation = crew.asked
    assert confirmation.duration == 2 * trials[0].duration
    best = json.loads(figures.read_text())["best"]
    assert 1425 <= best["rate_asked"] <= 1500
    said = capsys.readouterr().out
    assert f"{best['rate_asked']:,.0f} steps/s is the most that holds p99<10ms" in said


def test_the_number_of_streams_rises_where_their_rate_is_given() -> None:
    crew = Saying(holding(1000.0))
    search_highest(
        *(bench(crew), load(streams=4, rate=20.0), (criterion("p99<10ms"),)),
        by_streams=True,
        files=files(),
    )
    assert [of.streams for of in crew.asked[:5]] == [4, 8, 16, 32, 64]
    assert {of.rate for of in crew.asked} == {20.0}
    assert 48 <= crew.asked[-1].streams <= 50


def full_at(streams: int) -> Serve:
    def serve(of: Load) -> Outcome:
        if of.streams > streams:
            raise LoadRefused(f"this server keeps {streams} streams")
        return holding(1e9)(of)

    return serve


def test_a_load_that_the_server_has_no_room_for_does_not_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    crew, page, figures = Saying(full_at(100)), tmp_path / "page.html", tmp_path / "found.json"
    search_highest(
        *(bench(crew), load(streams=32, rate=2.0), (criterion("p99<10ms"),)),
        by_streams=True,
        files=files(page, figures),
    )
    assert [of.streams for of in crew.asked[:4]] == [32, 64, 128, 128]
    assert 96 <= crew.asked[-1].streams <= 100
    said = capsys.readouterr().out
    assert "-  does not hold: this server keeps 100 streams" in said
    assert "steps/s is the most that holds p99<10ms" in said
    full = json.loads(figures.read_text())["trials"][2]
    assert (full["streams"], full["rate"], full["latency_us"]) == (128, 0.0, None)
    assert "this server keeps 100 streams" in page.read_text()


def test_a_first_load_that_is_refused_is_no_search() -> None:
    with pytest.raises(LoadRefused):
        search_highest(
            *(bench(Saying(full_at(16))), load(streams=32), (criterion("p99<10ms"),)),
            by_streams=True,
            files=files(),
        )


def test_a_search_that_finds_nothing_fails(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        search_highest(
            *(bench(Saying(holding(0.0))), load(), (criterion("p99<10ms"),)),
            by_streams=False,
            files=files(),
        )
    assert ended.value.code == 1
    assert capsys.readouterr().err == "failed: no load that was tried holds p99<10ms\n"


def test_an_interrupted_search_tells_of_its_trials(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def serve(of: Load) -> Outcome:
        return outcome(interval([0.001] * 100), rate=of.rate, interrupted=of.rate == 200.0)

    page = tmp_path / "page.html"
    with pytest.raises(SystemExit) as ended:
        search_highest(
            *(bench(Saying(serve)), load(streams=4), (criterion("p99<10ms"),)),
            by_streams=False,
            files=files(page),
        )
    assert ended.value.code == 130
    assert capsys.readouterr().out.count("holds") == 2
    assert "The search for what holds p99&lt;10ms was interrupted." in page.read_text()


def ended_by(ending: Exception) -> Serve:
    """After two trials."""

    def serve(of: Load) -> Outcome:
        if of.rate == 200.0:
            raise ending
        return steady(of)

    return serve


def test_an_interrupt_between_trials_keeps_those_before_it(tmp_path: Path) -> None:
    figures = tmp_path / "found.json"
    with pytest.raises(SystemExit) as ended:
        search_highest(
            *(bench(Saying(ended_by(Interrupted()))), load(streams=4), (criterion("p99<10ms"),)),
            by_streams=False,
            files=files(json_=figures),
        )
    assert ended.value.code == 130
    assert len(json.loads(figures.read_text())["trials"]) == 2


def test_a_loader_that_dies_between_trials_keeps_those_before_it(tmp_path: Path) -> None:
    crew, figures = Saying(ended_by(LoaderDied("one died"))), tmp_path / "found.json"
    with pytest.raises(Refused, match="one died"):
        search_highest(
            *(bench(crew), load(streams=4), (criterion("p99<10ms"),)),
            by_streams=False,
            files=files(json_=figures),
        )
    assert len(json.loads(figures.read_text())["trials"]) == 2


def test_a_search_that_is_interrupted_at_once_writes_nothing(tmp_path: Path) -> None:
    crew = Saying(lambda of: outcome(interval(), rate=of.rate, interrupted=True))
    with pytest.raises(SystemExit) as ended:
        search_highest(
            *(bench(crew), load(), (criterion("p99<10ms"),)),
            by_streams=False,
            files=files(tmp_path / "page.html"),
        )
    assert ended.value.code == 130 and list(tmp_path.iterdir()) == []
