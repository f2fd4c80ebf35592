"""What the picture shows is true: gates remember a marked value, an Elman network does not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from models.cells.picture import (
    MARKED,
    REMEMBERING,
    last_marked,
    main,
    remembering,
    sequence,
    states_over_time,
)

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize("name", REMEMBERING)
def test_gated_cells_remember_the_last_marked_value(name: str) -> None:
    x = sequence()
    held = states_over_time(remembering(name), x)
    error = torch.tensor(held["c" if "c" in held else "h"]) - last_marked(x)
    largest = error[MARKED[0] :].abs().max()
    assert largest > 0.5 if name == "elman" else largest < 0.05


def test_the_last_marked_value_is_of_the_last_mark() -> None:
    x, held = sequence(), last_marked(sequence())
    first, second, third = MARKED
    assert held[:first].isnan().all()
    assert (held[first:second] == x[first, 0, 0].tanh()).all()
    assert (held[second:third] == x[second, 0, 0].tanh()).all()


def test_the_picture_of_the_docs_is_the_commands(tmp_path: Path) -> None:
    from matplotlib.image import imread

    path = tmp_path / "gates.png"
    assert CliRunner().invoke(main, [str(path)]).exit_code == 0
    drawn, shown = imread(path), imread(ROOT / "docs" / "gates.png")
    assert drawn.shape == shown.shape
    assert abs(drawn - shown).mean() < 0.02  # letters differ a little between versions


def test_a_place_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, [str(tmp_path / "nowhere" / "gates.png")])
    assert result.exit_code == 2
    [line] = result.stderr.splitlines()
    assert line.startswith("error: ") and "nowhere" in line
