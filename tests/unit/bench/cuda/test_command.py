"""The command prints what was measured, and writes what a device gave or nothing."""

import re
import shlex
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from bench.cuda import circumstances, command, measuring, page
from bench.cuda.command import cuda
from bench.cuda.measuring import Findings
from bench.cuda.rounds import Plan
from bench.cuda.saving import Saved
from bench.process import ServerFailed
from tests.pages import Page
from tests.unit.bench.cuda.given import GRU, LSTM_2, Apart

_PAGE = f"""# CUDA

<!-- {page.MARK} -->

{page.NOT_MEASURED}

<!-- end of {page.MARK} -->

The end.
"""
_PLAN = Plan(sizes=(1, 3), rounds=1, seconds=1e-3, served=(8,), served_seconds=0.2, first_steps=1)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "NETWORKS", (GRU, LSTM_2))
    monkeypatch.setattr(command, "QUICK", _PLAN)
    monkeypatch.setattr(command, "FULL", _PLAN)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cuda.md"
    path.write_text(_PAGE, encoding="utf-8")
    return path


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(cuda, arguments)


def test_a_quick_run_on_the_cpu_measures_every_part() -> None:
    result = _run("--device", "cpu", "--quick")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Measured on cpu; ")
    for network in (GRU, LSTM_2):
        for streams in ("1 stream", "3 streams"):
            assert f"  {network}, {streams}\n    step p50 over torch " in result.stdout
        assert re.search(rf"\| {network} \| 3 \| \d of 3 \| \S+ \|", result.stdout)
        assert re.search(rf"So the service .*a {network} with (any|two)", result.stdout)
    assert f"  service, {LSTM_2}, 8 streams\n    steps/s over the CPU's " in result.stdout
    titles = [line[4:] for line in result.stdout.splitlines() if line.startswith("### ")]
    assert titles == [
        "A step of all streams",
        "The same bits whoever steps beside",
        "What `--deterministic` costs",
        "A round of checkpoints",
        "The service",
    ]
    assert "reached" not in result.stdout.lower()


def test_a_part_may_be_measured_alone() -> None:
    result = _run("--device", "cpu", "--only", "saving")
    assert result.exit_code == 0, result.output
    assert [line for line in result.stdout.splitlines() if line.startswith("#")] == [
        "### A round of checkpoints"
    ]


def test_the_figures_of_a_cpu_are_never_written(file: Path) -> None:
    result = _run("--device", "cpu", "--write", str(file))
    assert result.exit_code == 2
    assert "error: --write takes the figures of a CUDA device" in result.stderr
    assert file.read_text(encoding="utf-8") == _PAGE


@pytest.mark.parametrize("less", [("--quick",), ("--only", "saving")])
def test_a_part_of_a_measurement_is_not_written(
    less: tuple[str, ...], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "choose", lambda _: Apart())
    result = _run("--write", str(file), *less)
    assert result.exit_code == 2
    assert "--write takes a whole measurement" in result.stderr
    assert file.read_text(encoding="utf-8") == _PAGE


def test_a_page_without_its_marks_is_refused_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "choose", lambda _: Apart())
    monkeypatch.setattr(measuring, "measure", lambda *_: pytest.fail("it measured"))
    other = tmp_path / "other.md"
    other.write_text("# Other\n", encoding="utf-8")
    result = _run("--write", str(other))
    assert result.exit_code == 2
    assert "the page has not one place between <!-- figures -->" in result.stderr


def test_a_device_that_is_not_there_is_told_in_a_line() -> None:
    result = _run("--device", "cuda:99")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert len(result.stderr.splitlines()) == 1


class OfCuda(Apart):
    binding = ("cuda", 0)


def test_a_torch_that_does_not_compute_on_the_device_is_told_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(command, "choose", lambda _: OfCuda())
    monkeypatch.setattr(circumstances, "told", lambda name: f"Measured on {name}.")
    monkeypatch.setattr(measuring, "measure", lambda *_: None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    result = _run("--device", "cuda")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: torch {torch.__version__} has no CUDA device: ")
    assert len(result.stderr.splitlines()) == 1
    assert _run("--device", "cuda", "--only", "saving").exit_code == 0
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert _run("--device", "cuda").exit_code == 0


def test_a_whole_measurement_is_written_between_the_marks(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "choose", lambda _: Apart())
    monkeypatch.setattr(circumstances, "told", lambda name: f"Measured on {name}.")
    monkeypatch.setattr(measuring, "measure", _saves)
    result = _run("--write", str(file))
    assert result.exit_code == 0, result.output
    written = file.read_text(encoding="utf-8")
    before, _, after = _PAGE.partition(page.NOT_MEASURED)
    assert written.startswith(f"{before}Measured on apart.\n\n### A round of checkpoints\n\n| ")
    assert written.endswith(f"| {GRU} | 4,096 | 2.00 ms | 9.00 ms | 4.5 |{after}")


def _saves(found: Findings, *_: object) -> None:
    found.saving.append(Saved(GRU, 4096, together_ms=2.0, one_by_one_ms=9.0))


def test_of_a_measurement_that_breaks_off_the_parts_before_are_printed_and_none_is_written(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(found: Findings, *_: object) -> None:
        _saves(found)
        raise ServerFailed("service did not start")

    monkeypatch.setattr(command, "choose", lambda _: Apart())
    monkeypatch.setattr(circumstances, "told", lambda name: f"Measured on {name}.")
    monkeypatch.setattr(measuring, "measure", broken)
    result = _run("--write", str(file))
    assert result.exit_code == 2
    assert "| 2.00 ms | 9.00 ms | 4.5 |" in result.stdout
    assert "error: the measurement broke off: service did not start" in result.stderr
    assert file.read_text(encoding="utf-8") == _PAGE


def test_the_page_shows_the_figures_of_a_device_or_says_that_there_are_none() -> None:
    text = page.FILE.read_text(encoding="utf-8")
    shown = text.split(f"<!-- {page.MARK} -->")[1].split(f"<!-- end of {page.MARK} -->")[0].strip()
    assert shown == page.NOT_MEASURED or shown.startswith("Measured on cuda:")


def test_the_commands_of_the_page_are_there() -> None:
    shown = "".join(Page("docs/cuda.md").blocks("Measure it yourself", "sh"))
    given = re.findall(r"^make bench-cuda(?: ARGS='(.*)')?", shown, re.MULTILINE)
    given += re.findall(r"^python -m bench.cuda(.*)$", shown, re.MULTILINE)
    assert len(given) == 5
    for arguments in given:
        cuda.make_context("cuda", shlex.split(arguments, comments=True))
