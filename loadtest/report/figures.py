"""The drawings of a run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from loadtest import wording
from loadtest.interval import Interval
from loadtest.outcome import Outcome
from loadtest.report.chart import PLOT_X, PLOT_Y, Chart, Point
from loadtest.report.scales import Scale, linear, logarithmic

_BANDS = ((50.0, 1, "p50"), (90.0, 2, "p90"), (99.0, 3, "p99"))
"""Percentile, colour, name."""
_FEWEST_BARS, _MOST_BARS = 8, 64
_HEADROOM = 1.1
"""Above the rate that is asked for, for its name."""
_NINES = 5
"""The percentile curve ends at so many, or where too few steps are left to tell."""


class Figure(NamedTuple):
    title: str
    caption: str
    drawing: str
    """HTML."""


class _Cell(NamedTuple):
    start: float
    end: float
    interval: Interval


def figures(outcome: Outcome) -> Iterator[Figure]:
    if outcome.latency.count:
        yield _latency(outcome)
        yield _percentiles(outcome)
    yield _rate(outcome)
    if outcome.total.batches:
        yield _batches(outcome)
    if outcome.misses:
        yield _misses(outcome)


def _cells(outcome: Outcome) -> list[_Cell]:
    length = outcome.load.interval
    return [
        _Cell(number * length, min((number + 1) * length, outcome.elapsed), each)
        for number, each in sorted(outcome.intervals.items())
        if number * length < outcome.elapsed
    ]


def _time(outcome: Outcome) -> Scale:
    return Scale(-outcome.load.ramp, max(outcome.elapsed, outcome.load.interval), *PLOT_X)


def _over_time(outcome: Outcome, y: Scale, words: wording.Words) -> Chart:
    chart = Chart(_time(outcome), y)
    if outcome.load.ramp:
        chart.shade(-outcome.load.ramp, 0.0, "ramp")
    chart.axes(lambda seconds: f"{seconds:g}", words, "time [s]")
    return chart


def _latency(outcome: Outcome) -> Figure:
    cells = [cell for cell in _cells(outcome) if cell.interval.latency.count]
    middles = [(cell.start + cell.end) / 2 for cell in cells]
    curves = [
        [
            Point(x, cell.interval.latency.percentile(percent))
            for x, cell in zip(middles, cells, strict=True)
        ]
        for percent, _, _ in _BANDS
    ]
    longest = [Point(x, c.interval.latency.maximum) for x, c in zip(middles, cells, strict=True)]
    lateness = [
        Point(x, cell.interval.lateness.percentile(99))
        for x, cell in zip(middles, cells, strict=True)
    ]
    shown = [point.y for curve in (*curves, longest) for point in curve]
    chart = _over_time(outcome, logarithmic(shown, *PLOT_Y), wording.tick)
    chart.band(curves[0], curves[1], 1)
    chart.band(curves[1], curves[2], 2)
    chart.band(curves[2], longest, 3)
    for curve, (_, series, name) in zip(curves, _BANDS, strict=True):
        chart.curve(curve, series, name)
    chart.curve(longest, 3, "max", "thin")
    chart.curve(lateness, 8, "the loader's own lateness, p99", "dotted")
    for cell, *at in zip(cells, *curves, longest, strict=True):
        told = zip(("p50", "p90", "p99", "max"), at, strict=True)
        words = ", ".join(f"{name} {wording.duration(point.y)}" for name, point in told)
        chart.hint(cell.start, cell.end, f"from {cell.start:g} s: {words}")
    return Figure(
        "Latency over time",
        f"From when a step was due to its answer, of the steps that were due within "
        f"{outcome.load.interval:g} s.",
        chart.legend + chart.svg("Latency over time"),
    )


def _percentiles(outcome: Outcome) -> Figure:
    curve = outcome.latency.curve()
    nines = min(_NINES, max(1, int(math.log10(outcome.latency.count))))
    # The axis is of what is above: each mark leaves a tenth of the one before.
    x = Scale(1.0, 10.0**nines, *PLOT_X, logarithmic=True)
    points = [Point(min(10.0**nines, 1 / max(1e-12, 1 - share)), s) for share, s in curve]
    points = [point for point in points if point.x < x.high] + [
        Point(x.high, outcome.latency.percentile(100 * (1 - 10.0**-nines)))
    ]
    chart = Chart(x, logarithmic([point.y for point in points], *PLOT_Y))
    marks = [0.5, *(1 - 10.0**-number for number in range(1, nines + 1))]
    chart.x_grid([1 / (1 - share) for share in marks])
    chart.y_marks(wording.tick)
    chart.x_marks([(1 / (1 - share), f"{100 * share:.10g}%") for share in marks])
    chart.curve(points, 2, "")
    for share in marks:
        seconds = outcome.latency.percentile(100 * share)
        words = f"{100 * share:.10g} % within {wording.duration(seconds)}"
        chart.dot(Point(1 / (1 - share), seconds), 2, words)
    return Figure(
        "Percentiles",
        "The latency that so many of the steps do not exceed. Each mark leaves a tenth of the "
        "steps that the one before it left.",
        chart.svg("Latency by percentile"),
    )


def _rate(outcome: Outcome) -> Figure:
    cells = _cells(outcome)
    asked = outcome.load.asked
    came = [Point((c.start + c.end) / 2, c.interval.in_time / (c.end - c.start)) for c in cells]
    failed = [c for c in cells if c.interval.errors]
    shown = [point.y for point in came] + ([_HEADROOM * asked] if asked else [])
    chart = _over_time(outcome, linear(shown, *PLOT_Y), wording.number)
    if asked:
        chart.level(asked, f"asked {wording.rate(asked)}")
    chart.band([Point(point.x, 0.0) for point in came], came, 4)
    chart.curve(came, 4, "")
    for cell, point in zip(cells, came, strict=True):
        chart.hint(cell.start, cell.end, f"from {cell.start:g} s: {wording.rate(point.y)}")
    for cell in failed:
        errors = cell.interval.errors.total()
        chart.dot(Point((cell.start + cell.end) / 2, 0.0), 7, wording.counted(errors, "error"))
    return Figure(
        "Answers a second",
        "As they came in." + (" Dots mark errors." if failed else ""),
        chart.svg("Answers a second over time"),
    )


def _batches(outcome: Outcome) -> Figure:
    batches = outcome.total.batches
    largest = max(_FEWEST_BARS, *batches)
    width = math.ceil(largest / _MOST_BARS)
    bars: dict[int, int] = {}
    for size, count in batches.items():
        bars[(size - 1) // width] = bars.get((size - 1) // width, 0) + count
    total = batches.total()
    x = Scale(0.5, math.ceil(largest / width) * width + 0.5, *PLOT_X)
    y = linear([100 * count / total for count in bars.values()], *PLOT_Y)
    chart = Chart(x, y)
    chart.axes(
        lambda size: f"{size:g}" if size == int(size) else "",
        lambda p: f"{p:g}%",
        "streams in a run",
    )
    for place, count in sorted(bars.items()):
        first, last = place * width + 1, (place + 1) * width
        sizes = f"{first}" if width == 1 else f"{first} to {last}"
        streams = "stream" if last == 1 else "streams"
        words = f"{sizes} {streams}: {wording.share(count / total)} of the answers"
        chart.bar(first - 0.5, last + 0.5, 100 * count / total, 6, words)
    return Figure(
        "Batch sizes",
        "How many streams shared the run that an answer came from, by the share of the answers.",
        chart.svg("Answers by batch size"),
    )


def _misses(outcome: Outcome) -> Figure:
    cells = [cell for cell in _cells(outcome) if cell.interval.due]
    shares = [100 * cell.interval.misses / cell.interval.due for cell in cells]
    chart = _over_time(outcome, linear(shares, *PLOT_Y), lambda percent: f"{percent:g}%")
    for cell, percent in zip(cells, shares, strict=True):
        if percent:
            words = f"from {cell.start:g} s: {wording.share(percent / 100)} missed"
            chart.bar(cell.start, cell.end, percent, 7, words)
    return Figure(
        "Misses over time",
        "Steps that were not answered before the next step of their stream was due.",
        chart.svg("Misses over time"),
    )
