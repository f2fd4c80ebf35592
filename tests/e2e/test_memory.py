"""The memory tasks, from their page to served networks that remember."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import stepwire.sync
from models.tasks.adding.data import episodes
from tests.servers import Server, running

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tasks" / "memory.md").read_text(encoding="utf-8")
ADDRESS = "localhost:50051"


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("bundled") / "log"
    with running(ROOT / "model_repository", log=log) as server:
        yield server


def ran(script: str, cwd: Path) -> str:
    """What a shell's script prints, piped."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=cwd,
        env={**os.environ, "PATH": path, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def block(language: str, containing: str) -> str:
    """The page's one code block of the language that contains a string."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (found,) = [text for text in blocks if containing in text]
    return str(found)


def test_the_page_from_training_to_the_picture_and_a_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training, exporting = block("sh", "memory_picture"), block("sh", "stepwire export")
    for whole, part in (
        ("--length 200", "--length 20"),
        ("--delay 60", "--delay 16"),
        ("rnn gru lstm", "gru"),
        ("{rnn,gru,lstm}", "gru"),
        ("0 1 2", "0"),
        ("{0,1,2}", "0"),
        ("docs/memory.png", "memory.png"),
        ("--no-memoryless", "--no-memoryless --hidden 4 --rounds 1 --batches 1"),
    ):
        assert whole in training
        training = training.replace(whole, part)
    tables = ran(training, tmp_path)
    assert (tmp_path / "memory.png").exists()
    assert tables.count("| gru | 1 | ") == 2
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(block("python", "gradient_norms"), names)
    assert names["norms"].shape == (256,)
    ran(exporting, tmp_path)
    with (
        running(tmp_path / "model_repository", log=tmp_path / "log") as server,
        stepwire.sync.connect(server.address) as client,
        client.stream("adding-gru-0") as stream,
    ):
        assert np.isfinite(np.asarray(stream.step([0.5, 1.0]))).all()


def test_the_pages_client_gets_its_letters_back(bundled: Server) -> None:
    names: dict[str, Any] = {}
    exec(block("python", "copying-gru").replace(ADDRESS, bundled.address), names)
    assert names["answers"][-4:] == list("face")


@pytest.mark.parametrize("steps", [50, 200])
def test_the_bundled_network_adds_what_was_marked(bundled: Server, steps: int) -> None:
    inputs, sums = episodes(1, steps, np.random.default_rng(7))
    with (
        stepwire.sync.connect(bundled.address) as client,
        client.stream("adding-gru") as stream,
    ):
        answers = [stream.step(reading)[0] for reading in inputs[0]]
    assert answers[-1] == pytest.approx(sums[0], abs=0.1)


def test_the_demo_says_what_was_remembered(bundled: Server, tmp_path: Path) -> None:
    command = block("sh", "stepwire demo memory").strip()
    output = ran(f"{command} --speed max --connect {bundled.address}", tmp_path)
    *episodes_shown, adding, copying = output.splitlines()
    assert len(episodes_shown) == 8
    assert all("to remember: " in line and "true: " in line for line in episodes_shown)
    [error] = re.findall(r"^adding-gru: RMSE (\S+) over 4 sums, \d of them within 0.04.$", adding)
    assert float(error) < 0.1
    assert copying == "copying-gru: 16 of 16 letters right, 2 by guessing."
