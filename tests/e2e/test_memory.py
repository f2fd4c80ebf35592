"""The memory tasks, from their page to served networks that remember."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import stepwire.sync
from models.tasks.adding.data import episodes
from tests.pages import ADDRESS, Page, here, shell
from torture.processes import Server, running

PAGE = Page("docs/tasks/memory.md")


def test_the_page_from_training_to_the_picture_and_a_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training, exporting = PAGE.block("sh", "memory_picture"), PAGE.block("sh", "stepwire export")
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
    tables = shell(training, tmp_path)
    assert (tmp_path / "memory.png").exists()
    assert tables.count("| gru | 1 | ") == 2
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(PAGE.block("python", "gradient_norms"), names)
    assert names["norms"].shape == (256,)
    here(exporting, tmp_path)
    with (
        running(tmp_path / "model_repository", log=tmp_path / "log") as server,
        stepwire.sync.connect(server.address) as client,
        client.stream("adding-gru-0") as stream,
    ):
        assert np.isfinite(np.asarray(stream.step([0.5, 1.0]))).all()


def test_the_pages_client_gets_its_letters_back(bundled: Server) -> None:
    names: dict[str, Any] = {}
    exec(PAGE.block("python", "copying-gru").replace(ADDRESS, bundled.address), names)
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
    command = PAGE.block("sh", "stepwire demo memory").strip()
    output = shell(f"{command} --speed max --connect {bundled.address}", tmp_path)
    *episodes_shown, adding, copying = output.splitlines()
    assert len(episodes_shown) == 8
    assert all("to remember: " in line and "true: " in line for line in episodes_shown)
    [error] = re.findall(r"^adding-gru: RMSE (\S+) over 4 sums, \d of them within 0.04.$", adding)
    assert float(error) < 0.1
    assert copying == "copying-gru: 16 of 16 letters right, 2 by guessing."
