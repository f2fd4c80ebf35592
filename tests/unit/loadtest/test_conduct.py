"""Runs, with a crew that only says what came of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loadtest.conduct import run
from loadtest.criteria import criterion
from loadtest.outcome import Outcome
from stepwire.refused import Refused
from tests.crews import Saying, bench, files, steady
from tests.loads import interval, load, outcome


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


@pytest.mark.parametrize(
    ("of", "text", "told"),
    [
        (
            outcome(interval([0.001])),
            "batch>0",
            "batch is not measured, and --fail-if says batch>0",
        ),
        (
            outcome(interval(errors={"RunFailed": 3})),
            "p99>5ms",
            "no step was answered\nfailed: p99 is not measured, and --fail-if says p99>5ms",
        ),
        (outcome(interval(errors={"RunFailed": 3})), "errors>9", "no step was answered"),
        (outcome(), "errors>9", "no step was answered"),
    ],
    ids=["no batch sizes", "only errors", "few errors, and nothing else", "nothing due"],
)
def test_what_was_not_measured_fails_the_run(
    of: Outcome, text: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(bench(Saying(lambda _: of)), load(), (criterion(text),), files())
    assert ended.value.code == 1
    assert capsys.readouterr().err == f"failed: {told}\n"


def test_a_run_that_is_interrupted_before_its_first_step_is_not_judged() -> None:
    crew = Saying(lambda of: outcome(interrupted=True))
    with pytest.raises(SystemExit) as ended:
        run(bench(crew), load(), (criterion("rate<10"),), files())
    assert ended.value.code == 130


def test_a_run_whose_loader_died_is_told_and_not_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = tmp_path / "figures.json"
    crew = Saying(lambda of: outcome(interval([0.1]), interrupted=True, broken="one died"))
    with pytest.raises(Refused, match="one died"):
        run(bench(crew), load(), (criterion("p99>5ms"),), files(json_=figures))
    assert json.loads(figures.read_text())["answered"] == 1
    assert "failed" not in capsys.readouterr().err


def test_criteria_are_judged_and_files_written_though_one_cannot_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken, figures = tmp_path / "folder", tmp_path / "figures.json"
    taken.mkdir()
    with pytest.raises(Refused, match="Is a directory"):
        run(bench(Saying(steady)), load(), (criterion("p50>0s"),), files(taken, figures))
    assert "failed: p50 is 1.00 ms" in capsys.readouterr().err
    assert figures.exists()


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
