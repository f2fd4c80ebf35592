"""The forecast task, from its page to a served model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import stepwire.sync
from models import runs
from models.tasks.forecast.series import Series
from models.tasks.forecast.source import chosen
from tests.pages import ROOT, Page, here, ran, shell
from torture.processes import Server, running

PAGE = Page("docs/tasks/forecast.md")
TINY = " --rounds 1 --batches 1"
OVERALL = "MAE over all steps [sales]"


def cells(text: str) -> dict[str, list[str]]:
    """The rows of the tables in a text, by their first cell."""
    lines = re.findall(r"^│ (.*) │$", text, re.MULTILINE)
    rows = [[cell.strip() for cell in line.split("│")] for line in lines]
    return {name: values for name, *values in rows}


@pytest.fixture(scope="module")
def streamed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Where the page's own CSV was trained on, exported and streamed, and what that printed."""
    folder = tmp_path_factory.mktemp("own")
    commands = PAGE.blocks("Your own CSV")[0]
    tiny, count = re.subn(r"(--name \S+)", rf"\1{TINY}", commands)
    assert count == 1
    return folder, here(tiny, folder)


@pytest.fixture(scope="module")
def own(streamed: tuple[Path, str]) -> Iterator[Server]:
    folder, _ = streamed
    with running(folder / "model_repository", log=folder / "log") as server:
        yield server


def series_of(folder: Path) -> Series:
    """As the page's command chooses it."""
    return chosen(
        str(folder / "my.csv"),
        time="date",
        delimiter=None,
        read="sales,promotion,planned",
        predict="sales",
        horizon=14,
        season=7,
    )


def test_the_page_shows_the_figures_of_the_bundled_package() -> None:
    path = ROOT / "model_repository" / "sales-gru" / "1" / "model.onnx"
    inspected = shell(f"stepwire inspect {path}", ROOT)
    contestants = ("network", "last value", "seasonal last value")
    shown = cells(PAGE.blocks("Train")[1])
    assert len(shown) == 4
    for measure, figures in shown.items():
        for contestant, figure in zip(contestants, figures, strict=True):
            line = rf"scores, {contestant}, {re.escape(measure)} +{re.escape(figure)}$"
            assert re.search(line, inspected, re.MULTILINE), (contestant, measure)


def test_the_bundled_network_beats_both_baselines_when_streamed(tmp_path: Path) -> None:
    said = shell("stepwire demo forecast --speed max", tmp_path)
    trained = cells(PAGE.blocks("Train")[1])
    assert cells(said) == trained
    for measure, figures in cells(said).items():
        network, *baselines = map(float, figures)
        assert network < min(baselines), measure
    lines = [line for line in said.splitlines() if re.match(r"20\d\d-\d\d-\d\d  sales \d+,", line)]
    assert 10 <= len(lines) <= 12 and lines[-1].startswith("2024-12-31")
    assert re.search(r"\nsales-gru: 360 forecasts of 7 steps, .* seasonal last value\.\n$", said)


def test_training_prints_the_measures_of_the_page(tmp_path: Path) -> None:
    command, table = PAGE.blocks("Train")
    said = here(command.strip() + TINY, tmp_path)
    assert cells(said).keys() == cells(table).keys()
    baselines = [{name: row[1:] for name, row in cells(text).items()} for text in (said, table)]
    assert baselines[0] == baselines[1]


def test_the_demo_prints_what_the_training_scored(streamed: tuple[Path, str]) -> None:
    _, said = streamed
    trained, demonstrated = said.split("Next: stepwire serve")
    assert cells(trained) == cells(demonstrated)
    shown = cells(PAGE.blocks("Your own CSV")[1])
    assert {name: row[1:] for name, row in cells(said).items()} == {
        name: row[1:] for name, row in shown.items()
    }
    assert "my-forecast: 227 forecasts of 14 steps, " in demonstrated


def test_streamed_raw_units_give_what_torch_gives_for_the_whole_series(
    streamed: tuple[Path, str], own: Server
) -> None:
    folder, _ = streamed
    made = series_of(folder)
    with torch.no_grad():
        outputs, _ = runs.load(folder / "runs" / "my-forecast").network(
            torch.from_numpy(made.inputs[None])
        )
    with (
        stepwire.sync.connect(own.address) as client,
        client.stream("my-forecast") as stream,
    ):
        assert stream.signature.inputs[0].features == made.read
        answers = np.stack([stream.step(row) for row in made.inputs])
    np.testing.assert_allclose(answers, outputs[0].numpy(), rtol=1e-5)
    assert np.ptp(answers) > 1  # an untrained mean would answer the same to all


def test_the_client_of_the_page_streams_the_file(
    streamed: tuple[Path, str],
    own: Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, _ = streamed
    [source] = PAGE.blocks("Stream", "python")
    monkeypatch.chdir(folder)
    names: dict[str, np.ndarray[tuple[int], np.dtype[np.float32]]] = {}
    exec(source.replace("localhost:50051", own.address), names)
    assert capsys.readouterr().out.startswith("after 2023-04-14 [")
    with torch.no_grad():
        outputs, _ = runs.load(folder / "runs" / "my-forecast").network(
            torch.from_numpy(series_of(folder).inputs[None])
        )
    np.testing.assert_allclose(names["forecast"], outputs[0, -1].numpy(), rtol=1e-5)


def test_what_the_page_refuses_is_refused_in_its_words(
    streamed: tuple[Path, str], tmp_path: Path
) -> None:
    folder, _ = streamed
    (tmp_path / "my.csv").write_bytes((folder / "my.csv").read_bytes())
    pairs = PAGE.blocks("What is refused")
    assert len(pairs) == 6
    for script, refusal in zip(pairs[::2], pairs[1::2], strict=True):
        done = ran(script, tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", refusal)
    assert not (tmp_path / "runs").exists()


def test_a_model_that_forecasts_nothing_is_one_line(tmp_path: Path) -> None:
    done = ran("stepwire demo forecast --model sine-gru", tmp_path)
    assert done.returncode == 2
    assert re.fullmatch(r"error: .*name a --model that `stepwire train .*\n", done.stderr)


def test_a_file_without_the_models_columns_names_those_it_has(streamed: tuple[Path, str]) -> None:
    folder, _ = streamed
    (folder / "few.csv").write_text("day,sales\n2024-01-01,5\n2024-01-02,6\n")
    done = ran("stepwire demo forecast --model my-forecast --csv few.csv", folder)
    assert done.returncode == 2
    assert done.stderr == "error: few.csv has no column 'promotion', but 'day', 'sales'\n"
