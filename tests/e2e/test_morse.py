"""What the page on Morse code shows is run from the page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import running

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tasks" / "morse.md").read_text()


def blocks(heading: str) -> list[str]:
    """The code blocks under a heading."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^```\w*\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def shell(script: str, cwd: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=cwd,
        env={**os.environ, "PATH": path, "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_small_training_is_exported_and_listens(tmp_path: Path) -> None:
    train, table = blocks("Train")
    small = f"{train.strip()} --rounds 1 --batches 2"
    said = shell(f"{small}\nstepwire export runs/my-morse --to model_repository", tmp_path)
    measures = re.findall(r"^│ (\S.*?) +│", table, re.MULTILINE)
    assert len(measures) == 2 and all(measure in said for measure in measures)
    shown = shell("stepwire demo morse --model my-morse --speed max 'e t'", tmp_path)
    assert re.search(r"\nSent: E T\nRead: .*\nWrong: \d+ of 3 characters\.\n$", shown)


def test_the_demo_says_what_the_page_shows(tmp_path: Path) -> None:
    command, shown, _ = blocks("Stream")
    assert shell(command, tmp_path) == shown


def test_the_client_of_the_page_reads_the_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    *_, source = blocks("Stream")
    with running(ROOT / "model_repository", log=tmp_path / "log") as server:
        exec(source.replace("localhost:50051", server.address), {})
    assert capsys.readouterr().out == "HELP\n"


def test_a_model_of_something_else_is_one_line(tmp_path: Path) -> None:
    path = Path(sys.executable).parent / "stepwire"
    done = subprocess.run(
        [path, "demo", "morse", "--model", "sine-gru"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert re.fullmatch(r"error: .*name a --model that takes one loudness.*\n", done.stderr)
