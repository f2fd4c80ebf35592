"""The page on recordings: its commands run one after another, on one recording."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtest.recording.record import record
from loadtest.recording.replay import replay
from tests.e2e.recorder import Recorder, ending
from tests.pages import ADDRESS, ROOT, Page, ran, shell
from torture.processes import Server, running

PAGE = Page("docs/record.md")
LISTEN = "localhost:50052"
BRIEF = "--speed max"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Of the models that the page names."""
    folder = tmp_path_factory.mktemp("record")
    for model in ("pendulum-gru", "pendulum-lstm", "pendulum-memoryless"):
        shutil.copytree(ROOT / "model_repository" / model, folder / "models" / model)
    with running(folder / "models", log=folder / "log") as own:
        yield own


@pytest.fixture(scope="module")
def folder(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the page's recording is, of a demo through the page's recorder."""
    folder = tmp_path_factory.mktemp("recorded")
    words = PAGE.block("sh", "stepwire record localhost").split()[2:]
    places = {LISTEN: "127.0.0.1:0", ADDRESS: server.address, "robot.rec": f"{folder}/robot.rec"}
    recorder = Recorder(*(places.get(word, word) for word in words))
    with ending(recorder.process):
        demo = PAGE.block("sh", "stepwire demo").strip().replace(LISTEN, recorder.address)
        shell(f"{demo} {BRIEF}", folder)
        done = recorder.ended()
    assert (done.code, done.complained) == (0, "")
    assert "  streams     2" in done.lines
    return folder


def rows(text: str) -> list[str]:
    """The terms that begin the lines behind the first."""
    return [line[2:14].strip() for line in text.splitlines()[1:]]


def shown_after(command: str) -> str:
    """The output that the page has below a command."""
    pattern = re.escape(f"{command}\n```\n\n```\n") + r"(.*?)^```$"
    (output,) = re.findall(pattern, PAGE.text, re.M | re.S)
    return str(output)


def test_what_is_in_the_recording_is_shown(folder: Path) -> None:
    command = PAGE.block("sh", "record --show").strip()
    assert rows(shell(command, folder)) == rows(shown_after(command))


def test_the_outputs_are_equal_to_the_last_bit(server: Server, folder: Path) -> None:
    lines = [line for block in PAGE.blocks("Replaying", "sh") for line in block.splitlines()]
    same = [line for line in lines if "--model" not in line]
    assert len(same) == 3
    for line in same:
        line = line if ADDRESS in line else line.replace("robot.rec", f"robot.rec {ADDRESS}")
        done = ran(line.replace(ADDRESS, server.address), folder)
        assert done.returncode == 0, done.stderr
        equal = re.search(r"outputs     (\d+) of (\d+) steps equal, bit for bit", done.stdout)
        assert equal and equal[1] == equal[2] != "0"
        if line == same[0]:
            assert rows(done.stdout) == rows(shown_after(f"stepwire replay robot.rec {ADDRESS}"))
    assert (folder / "replay.html").exists()


def test_another_model_differs(server: Server, folder: Path) -> None:
    command = PAGE.block("sh", "--model pendulum-lstm").strip()
    done = ran(command.replace("robot.rec", f"robot.rec {server.address}"), folder)
    assert done.returncode == 1
    assert rows(done.stdout) == rows(shown_after(command))


def test_the_lines_of_python_read_the_recording(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    exec(PAGE.block("python", "Recording("), {})
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_every_option_is_on_the_page() -> None:
    for command in (record, replay):
        taken = {name for each in command.params for name in each.opts if name[:2] == "--"}
        # How a server is reached is told in the page on security.
        told = set(re.findall(r"(?<![\w-])--[a-z-]+", PAGE.text)) | {"--credential-file"}
        assert taken - {"--credential"} <= told
