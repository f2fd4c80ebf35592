"""What the page on sentiment shows is run from the page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e import demos
from tests.pages import Page, shell
from torture.processes import Server

PAGE = Page("docs/tasks/sentiment.md")


def test_a_small_training_is_exported_and_read_to(tmp_path: Path) -> None:
    assert len(demos.trained(PAGE, "my-sentiment", tmp_path)) == 5
    shown = shell("stepwire demo sentiment --model my-sentiment --speed max --reviews 2", tmp_path)
    assert re.search(r"\nRight about [012] of 2 reviews\.\n$", shown)


def test_the_demo_says_what_the_page_shows(tmp_path: Path) -> None:
    command, shown, _ = PAGE.blocks("Stream")
    assert shell(command, tmp_path) == shown
    line = shell("stepwire demo sentiment --speed max -", tmp_path, "i did not love it .\nmore\n")
    assert line.endswith("Negative: " + line.split()[-2] + " %.\n") and "more" not in line


def test_the_client_of_the_page_streams_words(
    bundled: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    demos.stream(PAGE, bundled)
    words, scores = zip(*map(str.split, capsys.readouterr().out.splitlines()), strict=True)
    assert " ".join(words) == "frankly , the film was not dull ."
    assert abs(float(scores[0]) - 0.5) < 0.1 and float(scores[-1]) > 0.7


def test_a_model_that_reads_no_words_is_one_line(tmp_path: Path) -> None:
    told = demos.refused(tmp_path, "sentiment", "--model", "sine-gru", "it was dull")
    assert re.fullmatch(r"error: .*name a --model that takes words.*\n", told)
