"""The page: the circumstances, the rows with a goal, the plots, and every row."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from bench import wording
from bench.machine import Circumstances
from bench.page.goals import goals
from bench.page.histogram import histogram
from bench.page.streams import Curve, by_streams, curves_of
from bench.page.style import STYLE
from bench.page.trips import round_trips
from bench.part import Part, Results
from bench.ratios import CPU, MESSAGE_RATE, Row

_TITLE = "Stepwire against its floors"


def page(measured: Sequence[tuple[Part, Results]], here: Circumstances, *, quick: bool) -> str:
    rows = [row for _, results in measured for row in results.rows]
    asked = [row for row in rows if row.goal]
    warnings = wording.warnings([results for _, results in measured], here)
    return "".join(
        (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            f"<title>{_TITLE}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
            f'<h1>{_TITLE}</h1>\n<p class="summary">{_tally(asked)}</p>\n',
            _circumstances(here, quick=quick),
            _warnings(warnings),
            f"<h2>What is asked</h2>\n{_table(asked)}" if asked else "",
            _goals(asked),
            _streams(rows),
            _batches(measured),
            _round_trips(rows),
            "<h2>Every row</h2>\n",
            *(_part(part, results) for part, results in measured),
            "</body>\n</html>\n",
        )
    )


def _tally(rows: Sequence[Row]) -> str:
    binding = [row for row in rows if row.goal and row.goal.asked]
    reached = sum(row.reached for row in binding)
    return (
        f"{reached} of {len(binding)} goals reached. Each figure is a ratio to a floor that was "
        "measured in the same run: the median of neighbouring rounds, and the least and largest."
    )


def _circumstances(here: Circumstances, *, quick: bool) -> str:
    terms = {
        "machine": here.machine,
        "versions": here.versions,
        "pinning": str(here.cores),
        "date": here.when,
        "load before": f"{here.load_average:.2f}",
    }
    if quick:
        terms["rounds"] = "few and short, as a smoke test: the figures say little"
    items = (f"<dt>{term}</dt><dd>{escape(said)}</dd>" for term, said in terms.items())
    return f"<dl>{''.join(items)}</dl>\n"


def _warnings(warnings: Sequence[str]) -> str:
    if not warnings:
        return '<p class="quiet">The machine was quiet.</p>\n'
    items = "".join(f"<li>{escape(warning)}</li>" for warning in warnings)
    return (
        '<div class="warning"><p>The machine was noisy. Rows that are marked ~ were measured '
        f"beside a floor that did not hold still.</p><ul>{items}</ul></div>\n"
    )


def _table(rows: Sequence[Row]) -> str:
    heads = ("load", "quantity", "measured", "floor", "ratio", "asked", "verdict")
    head = "".join(f"<th>{head}</th>" for head in heads)
    body = "".join(
        _line(row, first=not number or _load(row) != _load(rows[number - 1]))
        for number, row in enumerate(rows)
    )
    return (
        f'<div class="table"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}</tbody></table></div>\n"
    )


def _load(row: Row) -> str:
    return f"{row.what}, {row.label}"


def _line(row: Row, *, first: bool) -> str:
    """`first` of its load, which is said once."""
    cells = (
        _load(row) if first else "",
        f"{row.quantity} over {row.against}",
        wording.measured(row),
        wording.floor(row),
        ("~ " if wording.unsteady(row) else "") + wording.ratio(row),
        wording.goal(row),
    )
    told = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f'<tr>{told}<td class="{wording.kind(row)}">{wording.verdict(row)}</td></tr>\n'


def _goals(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    return _figure(
        "How far from what is asked",
        "Each ratio over its goal, turned so that less is better: left of the line the goal is "
        "reached. The dot is the median of the pairs, the whiskers are the least and the largest.",
        goals(rows),
    )


def _streams(rows: Sequence[Row]) -> str:
    plots = [
        (f"{said} [{unit}]", curves, by_streams(curves, unit))
        for quantity, said, unit in (
            (MESSAGE_RATE, "Messages per second", "/s"),
            (CPU, "Server CPU per message", "µs"),
        )
        if (curves := curves_of(rows, quantity.name))
    ]
    drawn = "".join(
        f"<div><p>{said}</p>{_keys(curves)}{plot}</div>" for said, curves, plot in plots
    )
    if not drawn:
        return ""
    return _figure(
        "By the number of streams",
        "One step per message, each stream in a call of its own.",
        f'<div class="side">{drawn}</div>',
    )


def _keys(curves: Sequence[Curve]) -> str:
    return "".join(
        f'<span class="key {curve.kind}"><span>{escape(curve.name)}</span></span>'
        for curve in curves
    )


def _batches(measured: Sequence[tuple[Part, Results]]) -> str:
    drawn = "".join(
        f"<div><p>{escape(load)}</p>{histogram(occurred)}</div>"
        for _, results in measured
        for load, occurred in results.batches.items()
    )
    if not drawn:
        return ""
    return _figure(
        "The batches that formed",
        "The share of the answers that came from a run of so many streams; no timer forms a batch.",
        f'<div class="small">{drawn}</div>',
    )


def _round_trips(rows: Sequence[Row]) -> str:
    plot = round_trips(rows)
    if not plot:
        return ""
    keys = (
        '<span class="key floor-1"><span>floor</span></span>'
        '<span class="key ours"><span>measured</span></span>'
    )
    return _figure(
        "Round trips", "Each bar goes from p50 to p99; the axis is logarithmic.", keys + plot
    )


def _part(part: Part, results: Results) -> str:
    notes = "".join(f"<li>{escape(note)}</li>" for note in results.notes)
    listed = f'<ul class="quiet">{notes}</ul>\n' if notes else ""
    return f"<h3>{escape(part.title)}</h3>\n{_table(results.rows)}{listed}"


def _figure(title: str, caption: str, content: str) -> str:
    return f"<h2>{title}</h2>\n<figure><figcaption>{caption}</figcaption>\n{content}</figure>\n"
