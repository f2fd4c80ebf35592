"""What the page on sentiment shows is run from the page."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pages import ADDRESS, ROOT, Page, here, shell
from torture.processes import running

PAGE = Page("docs/tasks/sentiment.md")


def test_a_small_training_is_exported_and_read_to(tmp_path: Path) -> None:
    train, table = PAGE.blocks("Train")
    small = f"{train.strip()} --rounds 1 --batches 2"
    said = here(f"{small}\nstepwire export runs/my-sentiment --to model_repository", tmp_path)
    measures = re.findall(r"^│ (\S.*?) +│", table, re.MULTILINE)
    assert len(measures) == 5 and all(measure in said for measure in measures)
    shown = shell("stepwire demo sentiment --model my-sentiment --speed max --reviews 2", tmp_path)
    assert re.search(r"\nRight about [012] of 2 reviews\.\n$", shown)


def test_the_demo_says_what_the_page_shows(tmp_path: Path) -> None:
    command, shown, _ = PAGE.blocks("Stream")
    assert shell(command, tmp_path) == shown
    line = shell("stepwire demo sentiment --speed max -", tmp_path, "i did not love it .\nmore\n")
    assert line.endswith("Negative: " + line.split()[-2] + " %.\n") and "more" not in line


def test_the_client_of_the_page_streams_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    *_, source = PAGE.blocks("Stream")
    with running(ROOT / "model_repository", log=tmp_path / "log") as server:
        exec(source.replace(ADDRESS, server.address), {})
    words, scores = zip(*map(str.split, capsys.readouterr().out.splitlines()), strict=True)
    assert " ".join(words) == "frankly , the film was not dull ."
    assert abs(float(scores[0]) - 0.5) < 0.1 and float(scores[-1]) > 0.7


def test_a_model_that_reads_no_words_is_one_line(tmp_path: Path) -> None:
    path = Path(sys.executable).parent / "stepwire"
    done = subprocess.run(
        [path, "demo", "sentiment", "--model", "sine-gru", "it was dull"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert re.fullmatch(r"error: .*name a --model that takes words.*\n", done.stderr)
