"""What the page on Morse code shows is run from the page."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pages import ADDRESS, ROOT, Page, here, shell
from torture.processes import running

PAGE = Page("docs/tasks/morse.md")


def test_a_small_training_is_exported_and_listens(tmp_path: Path) -> None:
    train, table = PAGE.blocks("Train")
    small = f"{train.strip()} --rounds 1 --batches 2"
    said = here(f"{small}\nstepwire export runs/my-morse --to model_repository", tmp_path)
    measures = re.findall(r"^│ (\S.*?) +│", table, re.MULTILINE)
    assert len(measures) == 2 and all(measure in said for measure in measures)
    shown = shell("stepwire demo morse --model my-morse --speed max 'e t'", tmp_path)
    assert re.search(r"\nSent: E T\nRead: .*\nWrong: \d+ of 3 characters\.\n$", shown)


def test_the_demo_says_what_the_page_shows(tmp_path: Path) -> None:
    command, shown, _ = PAGE.blocks("Stream")
    assert shell(command, tmp_path) == shown


def test_the_client_of_the_page_reads_the_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    *_, source = PAGE.blocks("Stream")
    with running(ROOT / "model_repository", log=tmp_path / "log") as server:
        exec(source.replace(ADDRESS, server.address), {})
    assert capsys.readouterr().out == "HELP\n"


def test_a_model_of_something_else_is_one_line(tmp_path: Path) -> None:
    path = Path(sys.executable).parent / "stepwire"
    done = subprocess.run(
        [path, "demo", "morse", "--model", "sine-gru"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert re.fullmatch(r"error: .*name a --model that takes one loudness.*\n", done.stderr)
