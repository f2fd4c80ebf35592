"""The plots of a comparison."""

from __future__ import annotations

import math
from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from compare.ink import INK, drawn
from compare.looks import looks
from compare.results import Entry, Results, statistic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FELT = 0.01
"""The share of the largest gradient norm down to which an input counts as remembered."""
FADED = 1e-6
"""The share at which the plot of gradient norms ends."""
WIDE = 8.0
"""From this ratio of the largest score to the smallest on, its axis is logarithmic; that of a
percentage never."""
ACROSS = 3
"""Axes side by side."""
TITLE = 30
"""Characters in a line of an axis's title."""


class Plot(NamedTuple):
    title: str
    caption: str
    svg: str


def plots(results: Results) -> tuple[Plot, ...]:
    """Of every contestant that was scored; none if there is none."""
    entries = tuple(entry for entry in results.entries if entry.scored)
    if not entries:
        return ()
    return tuple(
        plot
        for plot in (
            _scores(results, entries),
            _losses(entries),
            _gradients(entries),
            _costs(results, entries),
        )
        if plot
    )


def _scores(results: Results, entries: Sequence[Entry]) -> Plot:
    measures = results.measures
    labels = [entry.contestant.name for entry in entries] + list(results.baselines)

    def draw(figure: Figure) -> None:
        grid = figure.subplots(lines, across, sharey=True, squeeze=False)
        for axes, measure in zip(grid.flat, measures, strict=False):
            _dots(axes, results, entries, measure)
            axes.set_title("\n".join(wrap(measure, TITLE)))
        for axes in grid.flat[len(measures) :]:
            axes.set_visible(False)
        grid[0][0].set_yticks(range(len(labels)), labels)
        grid[0][0].invert_yaxis()

    across = min(ACROSS, len(measures))
    lines = math.ceil(len(measures) / across)
    size = (9.0, lines * (1.0 + 0.25 * len(labels)))
    return Plot(
        "Scores",
        "On held-out data. A dot is a seed, a bar the mean, a diamond a baseline. "
        f"{results.headline.measure}: {results.headline.better} is better.",
        drawn("scores", size, draw),
    )


def _dots(axes: Axes, results: Results, entries: Sequence[Entry], measure: str) -> None:
    shown: list[float] = []
    for row, (entry, look) in enumerate(looks(entries)):
        values = entry.measured(measure)
        shown += values
        axes.plot(values, [row] * len(values), "o", **look.marker, markersize=5)
        known = statistic(values)
        if known:
            axes.plot([known.mean], [row], "|", color=INK, markersize=13, markeredgewidth=1.6)
    for row, score in enumerate(results.baselines.values(), len(entries)):
        value = score.get(measure)
        if value is not None:
            shown.append(value)
            axes.plot([value], [row], "D", color=INK, markerfacecolor="none", markersize=5)
    if "%" not in measure and shown and 0 < WIDE * min(shown) < max(shown):
        _logarithmic(axes)


def _logarithmic(axes: Axes) -> None:
    """With plain numbers at 1, 2 and 5 of each decade."""
    from matplotlib.ticker import LogLocator, NullLocator

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())


def _losses(entries: Sequence[Entry]) -> Plot:
    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        lowest = np.inf
        for entry, look in looks(entries):
            batches = entry.scored[0].batches
            losses = np.array([trial.losses for trial in entry.scored])
            lowest = min(lowest, losses.min())
            axes.plot(batches, losses.mean(axis=0), **look.line, label=entry.contestant.name)
            band = (losses.min(axis=0), losses.max(axis=0))
            axes.fill_between(batches, *band, color=look.colour, alpha=0.12, linewidth=0)
        axes.set(xlabel="batch", ylabel="training loss", yscale="log" if lowest > 0 else "linear")
        _legend(figure)

    return Plot(
        "Training",
        "The loss on training data, averaged over neighbouring batches: mean over the seeds, and "
        "the range that they span.",
        drawn("losses", (9.0, 3.4), draw),
    )


def _gradients(entries: Sequence[Entry]) -> Plot:
    def draw(figure: Figure) -> None:
        before, after = figure.subplots(1, 2, sharey=True)
        for entry, look in looks(entries):
            for axes, norms in (
                (before, [trial.norms_before for trial in entry.scored]),
                (after, [trial.norms_after for trial in entry.scored]),
            ):
                shares = np.array([np.divide(norm, max(*norm, 1e-300)) for norm in norms])
                axes.plot(np.median(shares, axis=0), **look.line, label=entry.contestant.name)
        for axes, title in ((before, "before training"), (after, "after training")):
            axes.axhline(FELT, color=INK, linewidth=0.8, linestyle=":")
            axes.set(title=title, xlabel="distance [timesteps]", yscale="log", ylim=(FADED, 1.5))
        before.set_ylabel("norm, of the largest")
        _legend(figure)

    return Plot(
        "Gradient against distance",
        "How strongly the last output depends on the input so many timesteps before it: the norm "
        "of the gradient as a share of its largest, median over the seeds. What is above the "
        "dotted line counts as remembered.",
        drawn("gradients", (9.0, 3.4), draw),
    )


def _costs(results: Results, entries: Sequence[Entry]) -> Plot | None:
    measure = results.headline.measure
    points = [
        (entry, look, known, 1e6 * entry.served.step)
        for entry, look in looks(entries)
        if entry.served and (known := statistic(entry.measured(measure)))
    ]
    if not points:
        return None

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for entry, look, known, step in points:
            spread = known.spread or 0.0
            label = entry.contestant.name
            axes.errorbar(step, known.mean, spread, fmt="o", **look.marker, capsize=4, label=label)
        axes.set(xlabel="runtime step [µs]", ylabel="\n".join(wrap(measure, TITLE)))
        axes.set_xlim(left=0)  # else differences that are noise look large
        _legend(figure)

    return Plot(
        "Score against the time of a step",
        f"{results.headline.measure} ({results.headline.better} is better), mean and standard "
        "deviation over the seeds, and what one timestep takes in the service's runtime.",
        drawn("costs", (9.0, 3.4), draw),
    )


def _legend(figure: Figure) -> None:
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside right upper")
