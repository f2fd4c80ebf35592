"""The rate and latency of every trial of a search."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from loadtest import wording
from loadtest.finding import Found, Tried
from loadtest.report.chart import PLOT_X, PLOT_Y, Chart, Point
from loadtest.report.figures import Figure
from loadtest.report.scales import logarithmic

_CURVES = ((50.0, 1, "p50"), (99.0, 3, "p99"))
"""Percentile, colour, name."""


def curve(found: Found) -> Figure:
    trials = [tried for tried in found.trials if tried.outcome.latency.count]
    trials.sort(key=_rate)
    shown = [each.outcome.latency.percentile(percent) for each in trials for percent, *_ in _CURVES]
    chart = Chart(logarithmic(map(_rate, trials), *PLOT_X), logarithmic(shown, *PLOT_Y))
    chart.axes(wording.number, wording.tick, "steps/s asked for")
    if found.best:
        chart.upright(_rate(found.best), f"{wording.steps(_rate(found.best))} holds")
    for percent, series, name in _CURVES:
        chart.curve([_point(each, percent) for each in _best_of_each_rate(trials)], series, name)
        for tried in trials:
            point = _point(tried, percent)
            words = f"{wording.steps(point.x)}: {name} {wording.duration(point.y)}"
            chart.dot(point, series, words, hollow=not tried.held)
    return Figure(
        "Latency by rate",
        "A point for each trial; those that are hollow did not hold. The lines are through the "
        "better trials of each rate.",
        chart.legend + chart.svg("Latency by rate"),
    )


def _rate(tried: Tried) -> float:
    return tried.outcome.load.asked or 0.0


def _point(tried: Tried, percent: float) -> Point:
    return Point(_rate(tried), tried.outcome.latency.percentile(percent))


def _best_of_each_rate(trials: Sequence[Tried]) -> list[Tried]:
    """Of trials that are in the order of their rates."""
    return [
        min(some, key=lambda tried: tried.outcome.latency.percentile(99))
        for _, some in groupby(trials, key=_rate)
    ]
