"""Draws gates at work: `python -m models.cells.picture OUT.png`.

Each cell has one unit and weights set by hand, such that it remembers the last marked value of a
sequence of values and marks. An Elman network has no gate to do it with.

Shapes: T timesteps.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import torch
from torch import Tensor

from models.cells import CELLS, Unrolled
from models.cli import Refused, require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEPS, MARKED = 24, (2, 9, 17)
OPEN = 6.0
"""σ(6) = 0.998"""
Weights = dict[str, tuple[float, float, float]]
"""By gate: of the value, of the mark, and the bias."""

UNTIL_MARKED, ONCE_MARKED = (0.0, -2 * OPEN, OPEN), (0.0, 2 * OPEN, -OPEN)
CLOSED, ALWAYS_OPEN, VALUE = (0.0, 0.0, -OPEN), (0.0, 0.0, OPEN), (1.0, 0.0, 0.0)

REMEMBERING: dict[str, Weights] = {
    "elman": {"": VALUE},
    "gru-reset-before": {"_r": CLOSED, "_z": UNTIL_MARKED, "_n": VALUE},
    "gru-update-writes": {"_r": CLOSED, "_u": ONCE_MARKED, "_n": VALUE},
    "lstm-equations": {"_f": UNTIL_MARKED, "_i": ONCE_MARKED, "_g": VALUE, "_o": ALWAYS_OPEN},
}
ELMAN_KEEPS = 0.7
"""U of the Elman network: more keeps the old values longer, all of them."""


def sequence() -> Tensor:
    """[T, 1, 2]: a value, and a mark that is 0 or 1."""
    values = torch.empty(STEPS).uniform_(-1, 1, generator=torch.Generator().manual_seed(7))
    marks = torch.zeros(STEPS)
    marks[list(MARKED)] = 1
    return torch.stack([values, marks], dim=-1).unsqueeze(1)


def remembering(name: str) -> Unrolled:
    network = Unrolled(CELLS[name], inputs=2, hidden=1)
    [cell] = network.cells
    with torch.no_grad():
        for gate, (of_value, of_mark, bias) in REMEMBERING[name].items():
            cell.get_parameter(f"W{gate}").copy_(torch.tensor([[of_value], [of_mark]]))
            cell.get_parameter(f"U{gate}").fill_(ELMAN_KEEPS if name == "elman" else 0)
            cell.get_parameter(f"b{gate}").fill_(bias)
    return network


@torch.no_grad()
def states_over_time(network: Unrolled, x: Tensor) -> dict[str, list[float]]:
    """The one unit's states after each timestep, by name."""
    after = [network(x[:end])[1] for end in range(1, len(x) + 1)]
    names = network.cells[0].states
    return {name: [float(state[place]) for state in after] for place, name in enumerate(names)}


def last_marked(x: Tensor) -> Tensor:
    """[T]: the tanh of the value to be remembered, NaN before the first mark."""
    values, marks = x[:, 0].unbind(-1)
    held, remembered = torch.tensor(torch.nan), []
    for value, mark in zip(values, marks, strict=True):
        held = value.tanh() if mark else held
        remembered.append(held)
    return torch.stack(remembered)


@torch.no_grad()
def draw(path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(3, len(REMEMBERING), sharex=True, sharey="row")
    x = sequence()
    for (above, middle, below), name in zip(axes.T, REMEMBERING, strict=True):
        network = remembering(name)
        above.set_title(name)
        _draw_input(above, x)
        _draw_gates(middle, {} if name == "elman" else network.gates(x))
        _draw_states(below, states_over_time(network, x), last_marked(x))
        below.set_xlabel("timestep")
    for ax, label in zip(axes[:, 0], ("input", "gates", "states"), strict=True):
        ax.set_ylabel(label)
    figure.colorbar(axes[1, -1].collections[0], ax=axes[1], label="activation")
    _draw_legend(figure, axes[0, -1], axes[2, -1])
    figure.savefig(path, format="png", dpi=80)


def _draw_input(ax: Axes, x: Tensor) -> None:
    values, marks = x[:, 0].numpy().T
    ax.bar(range(STEPS), values, color="lightgrey", label="value")
    ax.bar(MARKED, values[marks == 1], color="tab:red", label="marked value")


def _draw_gates(ax: Axes, gates: dict[str, Tensor]) -> None:
    ax.set_yticks([])
    if not gates:
        ax.text(STEPS / 2, -1.5, "none", ha="center")
    edges = [step - 0.5 for step in range(STEPS + 1)]
    for row, (gate, values) in enumerate(gates.items()):
        height = [-row - 0.45, -row + 0.45]
        ax.pcolormesh(edges, height, values[:, :, 0, 0].numpy(), cmap="RdBu_r", vmin=-1, vmax=1)
        ax.text(-1.2, -row, gate, ha="right", va="center")


def _draw_states(ax: Axes, states: dict[str, list[float]], target: Tensor) -> None:
    ax.step(range(STEPS), target.numpy(), "k:", where="mid", label="tanh of the last marked value")
    for name, values in states.items():
        ax.step(range(STEPS), values, where="mid", label=name)


def _draw_legend(figure: Figure, *drawn: Axes) -> None:
    known = [ax.get_legend_handles_labels() for ax in drawn]
    handles = [handle for handles, _ in known for handle in handles]
    labels = [label for _, labels in known for label in labels]
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))


@click.command()
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False), metavar="OUT.png")
def main(path: Path) -> None:
    """Draws the gates of four cells that remember the last marked value."""
    require("a picture", ("matplotlib",), extra="train")
    try:
        draw(path)
    except OSError as error:
        raise Refused(str(error)) from error


if __name__ == "__main__":
    main()
