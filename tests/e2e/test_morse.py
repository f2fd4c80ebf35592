"""What the page on Morse code shows is run from the page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e import demos
from tests.pages import Page, shell
from torture.processes import Server

PAGE = Page("docs/tasks/morse.md")


def test_a_small_training_is_exported_and_listens(tmp_path: Path) -> None:
    assert len(demos.trained(PAGE, "my-morse", tmp_path)) == 2
    shown = shell("stepwire demo morse --model my-morse --speed max 'e t'", tmp_path)
    assert re.search(r"\nSent: E T\nRead: .*\nWrong: \d+ of 3 characters\.\n$", shown)


def test_the_demo_says_what_the_page_shows(tmp_path: Path) -> None:
    command, shown, _ = PAGE.blocks("Stream")
    assert shell(command, tmp_path) == shown


def test_the_client_of_the_page_reads_the_text(
    bundled: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    demos.stream(PAGE, bundled)
    assert capsys.readouterr().out == "HELP\n"


def test_a_model_of_something_else_is_one_line(tmp_path: Path) -> None:
    told = demos.refused(tmp_path, "morse", "--model", "sine-gru")
    assert re.fullmatch(r"error: .*name a --model that takes one loudness.*\n", told)
