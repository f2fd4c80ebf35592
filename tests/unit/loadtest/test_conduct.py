"""Runs and searches, with a crew that only says what came of them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from loadtest.conduct import Bench, Files, run, search_highest
from loadtest.crew import Crew, Watch
from loadtest.criteria import criterion
from loadtest.live import Live
from loadtest.load import Load, Target
from loadtest.outcome import Outcome
from stepwire.channel import Security
from stepwire.refused import Refused
from tests.loads import interval, load, outcome

TARGET = Target(address="localhost:50051", security=Security(), connections=1)
BEGAN = datetime(2025, 1, 1, tzinfo=UTC)
Serve = Callable[[Load], Outcome]


class Saying:
    """In the place of a crew."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self.asked: list[Load] = []

    def run(self, load: Load, watch: Watch) -> Outcome:
        self.asked.append(load)
        watch(0.0, {})
        return self._serve(load)


def bench(crew: Saying) -> Bench:
    return Bench(cast(Crew, crew), Live(io.StringIO()))


def files(report: Path | None = None, json_: Path | None = None) -> Files:
    return Files(TARGET, BEGAN, report, json_)


def holding(steps: float) -> Serve:
    """A server that holds so many steps a second."""

    def serve(of: Load) -> Outcome:
        latency = 0.001 if (of.asked or 0.0) <= steps else 0.1
        return outcome(interval([latency] * 100), streams=of.streams, rate=of.rate)

    return serve


def steady(of: Load) -> Outcome:
    return outcome(interval([0.001] * 100), rate=of.rate)


def test_a_run_is_told_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, figures = tmp_path / "page.html", tmp_path / "figures.json"
    run(bench(Saying(steady)), load(rate=100.0), (), files(page, figures))
    said = capsys.readouterr()
    assert "reached     400/s" in said.out and said.err == ""
    assert page.read_text().startswith("<!DOCTYPE html>")
    written = json.loads(figures.read_text())
    assert (written["rate"], written["server"]) == (400.0, "localhost:50051")
    assert written["latency_us"]["p99"] == pytest.approx(1000.0)
    assert written["began"] == "2025-01-01T00:00:00+00:00"
    assert sorted(tmp_path.iterdir()) == [figures, page]


def test_a_criterion_that_is_met_fails_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    failing = (criterion("p99>5ms"), criterion("p50>0.5ms"))
    with pytest.raises(SystemExit) as ended:
        run(bench(Saying(steady)), load(), failing, files())
    assert ended.value.code == 1
    told = capsys.readouterr().err
    assert told == "failed: p50 is 1.00 ms, and --fail-if says p50>0.5ms\n"


def test_an_interrupted_run_ends_as_a_shell_expects() -> None:
    interrupted = Saying(lambda of: outcome(interval([0.001]), interrupted=True))
    with pytest.raises(SystemExit) as ended:
        run(bench(interrupted), load(), (), files())
    assert ended.value.code == 130


def test_a_loader_that_is_late_warns(capsys: pytest.CaptureFixture[str]) -> None:
    late = interval([0.005] * 100, lateness=[0.004] * 100)
    run(bench(Saying(lambda of: outcome(late))), load(), (), files())
    told = capsys.readouterr().err
    assert told.startswith("warning: the loader fell behind its schedule: 4.00 ms at p99;")


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="Is a directory"):
        run(bench(Saying(steady)), load(), (), files(json_=tmp_path))
    assert list(tmp_path.parent.glob(f".{tmp_path.name}.*")) == []


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


def test_a_search_that_is_interrupted_at_once_writes_nothing(tmp_path: Path) -> None:
    crew = Saying(lambda of: outcome(interval(), rate=of.rate, interrupted=True))
    with pytest.raises(SystemExit) as ended:
        search_highest(
            *(bench(crew), load(), (criterion("p99<10ms"),)),
            by_streams=False,
            files=files(tmp_path / "page.html"),
        )
    assert ended.value.code == 130 and list(tmp_path.iterdir()) == []
