"""Episodes on one page: the pendulums moment by moment, angle, torque, round trips."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.typing import HashableList

from demo.pendulum.loop import Floats, Record
from demo.pendulum.summary import Figures, figures
from models.tasks.pendulum.world import MAX_TORQUE, PERIOD, UPRIGHT

COLOURS = ("#0b7285", "#e8590c")
INK, FAINT = "#343a40", "#ced4da"
POSES = 20
"""Pendulums in each strip."""
LENGTH = 0.42
"""Of a pose, as a share of the room it has."""
BINS = 40


def paint(path: Path, records: Mapping[str, Record]) -> None:
    """Writes a PNG of one episode, or of two from the same start. Raises OSError."""
    figure = Figure(figsize=(11, 7.5), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    names = list(records)
    mosaic: list[HashableList[str]] = [[f"strip {name}"] * 3 for name in names]
    mosaic += [["angle"] * 3, ["torque", "torque", "round trip"]]
    ratios = [1.0] * len(names) + [2.2, 1.8]
    axes = figure.subplot_mosaic(mosaic, height_ratios=ratios)
    figure.suptitle(
        "A pendulum on a stream: noisy angle in, torque out, one timestep per message",
        color=INK,
        fontsize=14,
        fontweight="bold",
    )
    for (name, record), colour in zip(records.items(), COLOURS, strict=False):
        _strip(axes[f"strip {name}"], name, record.angles, colour)
        _angle(axes["angle"], name, record.angles, colour)
        _torque(axes["torque"], record.torques, colour)
    _round_trips(axes["round trip"], records)
    _finish_angle(axes["angle"], len(records[names[0]].angles))
    _finish_torque(axes["torque"])
    figure.savefig(path, format="png", dpi=110)


def _seconds(values: Floats) -> Floats:
    return np.arange(len(values), dtype=np.float64) * PERIOD


def _strip(axes: Axes, name: str, angles: Floats, colour: str) -> None:
    """Poses above their time on the plot below; both axes are in seconds."""
    every = max(1, len(angles) // POSES)
    room = every * PERIOD
    for x, angle in zip(_seconds(angles)[::every], angles[::every], strict=True):
        tip_x, tip_y = x - LENGTH * room * math.sin(angle), LENGTH * room * math.cos(angle)
        axes.plot(
            [x, tip_x], [0, tip_y], color=colour, lw=2.5, solid_capstyle="round", clip_on=False
        )
        axes.plot(tip_x, tip_y, "o", color=colour, markersize=8, clip_on=False)
        axes.plot(x, 0, "o", color=INK, markersize=3, clip_on=False)
    axes.set(xlim=(0, PERIOD * len(angles)), ylim=(-0.55 * room, 0.55 * room), aspect="equal")
    axes.set_axis_off()
    axes.set_title(name, loc="left", color=colour, fontweight="bold")
    axes.set_title(f"every {room:g} s", loc="right", color=INK, fontsize=10)


def _angle(axes: Axes, name: str, angles: Floats, colour: str) -> None:
    axes.plot(_seconds(angles), np.degrees(np.abs(angles)), color=colour, linewidth=2, label=name)


def _finish_angle(axes: Axes, timesteps: int) -> None:
    """The top of the plot is the top of the circle."""
    axes.axhspan(0, math.degrees(UPRIGHT), color="#d3f9d8", label="upright", zorder=0)
    axes.set(ylabel="angle from upright [°]", ylim=(184, -4), yticks=range(0, 181, 45))
    axes.set_xlim(0, PERIOD * timesteps)
    _tidy(axes, "time [s]")
    axes.legend(loc="center right")


def _torque(axes: Axes, torques: Floats, colour: str) -> None:
    axes.step(_seconds(torques), torques, where="post", color=colour, linewidth=1)


def _finish_torque(axes: Axes) -> None:
    limit = 1.1 * MAX_TORQUE
    axes.set(ylabel="torque [N m]", ylim=(-limit, limit))
    axes.margins(x=0)
    _tidy(axes, "time [s]")


def _round_trips(axes: Axes, records: Mapping[str, Record]) -> None:
    """Up to the larger p99; the rare ones beyond it would squeeze the rest."""
    summaries = {name: figures(record) for name, record in records.items()}
    end = 1e3 * max(summary.round_trip_p99 for summary in summaries.values())
    bins = np.linspace(0, end, BINS + 1)
    for (name, record), colour in zip(records.items(), COLOURS, strict=False):
        axes.hist(1e3 * record.round_trips, bins=bins.tolist(), color=colour, alpha=0.6)
        axes.axvline(1e3 * summaries[name].round_trip_p50, color=colour, linestyle="--")
    axes.set(ylabel="timesteps")
    title = _round_trip_title(next(iter(summaries.values())))
    axes.set_title(title, fontsize=10, color=COLOURS[0])
    _tidy(axes, "round trip [ms]")


def _round_trip_title(summary: Figures) -> str:
    return (
        f"p50 {1e3 * summary.round_trip_p50:.2f} ms, p99 {1e3 * summary.round_trip_p99:.2f} ms, "
        f"late {summary.late} of {summary.timesteps}"
    )


def _tidy(axes: Axes, label: str) -> None:
    axes.set_xlabel(label)
    axes.grid(color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
