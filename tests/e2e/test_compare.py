"""A whole comparison: trained, exported, stepped through a real service, reported."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from click.testing import CliRunner

from compare.command import compare
from models.networks import SequenceNetwork
from models.tasks.sine.task import Sine
from models.tasks.task import Sequences

DOCS = Path(__file__).parents[2] / "docs"
HIDDEN = 4
TINY = ("--rounds", "2", "--batches", "2", "--seeds", "2", "--cells", "rnn,gru", "--hidden", "4")


class Made(NamedTuple):
    output: str
    folder: Path
    results: dict[str, Any]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A tiny comparison in which the larger RNN cannot learn its second round."""
    gathered = Sine.gather

    def gather(
        task: Sine, index: int, rounds: int, network: SequenceNetwork, rng: np.random.Generator
    ) -> Sequences:
        inputs, targets = gathered(task, index, rounds, network, rng)
        broken = index and network.architecture.hidden > HIDDEN
        return Sequences(inputs, np.full_like(targets, np.inf) if broken else targets)

    folder = tmp_path_factory.mktemp("compare") / "made"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Sine, "gather", gather)
        result = CliRunner().invoke(compare, ["sine", *TINY, "--out", str(folder)])
    assert result.exit_code == 0, result.output
    return Made(result.output, folder, json.loads((folder / "results.json").read_text()))


def test_every_contestant_is_trained_scored_and_served(made: Made) -> None:
    *entries, _ = made.results["entries"]
    assert [entry["contestant"]["cell"] for entry in entries] == ["rnn", "gru"]
    for entry in entries:
        assert [trial["seed"] for trial in entry["trials"]] == [0, 1]
        assert entry["trials"][0]["score"] != entry["trials"][1]["score"]
        assert entry["served"]["step"] > 0 and entry["served"]["round_trip"] > 0
        assert entry["served"]["state_bytes"] == 4 * HIDDEN
    assert made.results["baselines"] == Sine().baselines()


def test_one_that_diverges_is_a_row_that_says_so(made: Made) -> None:
    entry = made.results["entries"][2]
    name = f"rnn {entry['contestant']['hidden']}"
    assert entry["served"] is None
    assert [note.partition(":")[0] for note in made.results["notes"]] == [
        f"{name}, seed {seed}, diverged" for seed in (0, 1)
    ]
    assert f"{name}, seed 0: diverged: the loss became" in made.output
    assert re.search(rf"^\| {name} \|.*\| diverged \|", table(made), re.MULTILINE)


def test_terminal_table_and_page_tell_the_same(made: Made) -> None:
    page = (made.folder / "comparison.html").read_text()
    assert page.count("<svg") == 4
    for name in ("rnn 4", "gru 4", *made.results["baselines"]):
        assert name in made.output and f"| {name} |" in table(made) and f"<td>{name}</td>" in page
    files = ("comparison.html", "table.md", "results.json")
    assert made.output.splitlines()[-3:] == [str(made.folder / file) for file in files]


def table(made: Made) -> str:
    return (made.folder / "table.md").read_text()


def test_the_docs_page_names_commands_that_are() -> None:
    commands = re.findall(r"^stepwire compare (\w+)(.*)$", (DOCS / "compare.md").read_text(), re.M)
    assert commands
    for task, options in commands:
        command = compare.commands[task]
        known = {flag for option in command.params for flag in option.opts}
        assert set(re.findall(r"--[a-z-]+", options)) <= known


def test_the_docs_page_shows_the_table_that_is_printed(made: Made) -> None:
    def headings(text: str) -> list[str]:
        line = next(line for line in text.splitlines() if line.startswith("|  | equal |"))
        return [cell.strip() for cell in line.strip("|").split("|")]

    shown, printed = headings((DOCS / "compare.md").read_text()), headings(table(made))
    headline = printed.index(made.results["headline"]["measure"])
    assert shown[:headline] + shown[headline + 1 :] == printed[:headline] + printed[headline + 1 :]
