"""The rate and latency of every trial of a search."""

from __future__ import annotations

from loadtest import wording
from loadtest.finding import Found
from loadtest.report.chart import PLOT_X, PLOT_Y, Chart, Point
from loadtest.report.figures import Figure
from loadtest.report.scales import logarithmic

_CURVES = ((50.0, 1, "p50"), (99.0, 3, "p99"))
"""Percentile, colour, name."""


def curve(found: Found) -> Figure:
    trials = [tried for tried in found.trials if tried.outcome.latency.count]
    trials.sort(key=lambda tried: tried.outcome.load.asked or 0.0)
    rates = [tried.outcome.load.asked or 0.0 for tried in trials]
    latencies = {
        percent: [tried.outcome.latency.percentile(percent) for tried in trials]
        for percent, _, _ in _CURVES
    }
    shown = [seconds for of in latencies.values() for seconds in of]
    chart = Chart(logarithmic(rates, *PLOT_X), logarithmic(shown, *PLOT_Y))
    chart.axes(wording.rate, wording.tick, "steps asked for")
    if found.best:
        best = found.best.outcome.load.asked or 0.0
        chart.upright(best, f"{wording.rate(best)} holds")
    for percent, series, name in _CURVES:
        points = [Point(x, y) for x, y in zip(rates, latencies[percent], strict=True)]
        chart.curve(points, series, name)
        for tried, point in zip(trials, points, strict=True):
            words = f"{wording.rate(point.x)}: {name} {wording.duration(point.y)}"
            chart.dot(point, series, words, hollow=not tried.held)
    return Figure(
        "Latency by rate",
        "A point for each trial; those that are hollow did not hold.",
        chart.legend + chart.svg("Latency by rate"),
    )
