"""The page of a run, and that of a search."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from loadtest import table, wording
from loadtest.finding import Found
from loadtest.load import Load
from loadtest.outcome import Outcome
from loadtest.report.figures import Figure, figures
from loadtest.report.found import curve
from loadtest.report.style import STYLE


def run_page(outcome: Outcome, environment: Mapping[str, str]) -> str:
    title = f"Load on {outcome.served.model}/{outcome.served.version}"
    return _page(title, [_run(outcome), _settings(outcome, environment)])


def found_page(found: Found, criteria: Sequence[str], environment: Mapping[str, str]) -> str:
    """Of a search that has made a trial."""
    newest = found.trials[-1].outcome
    title = f"The most that {newest.served.model}/{newest.served.version} holds"
    wanted = " and ".join(criteria)
    if found.best:
        load = found.best.outcome.load
        told = f"{wording.steps(load.asked or 0.0)} is the most that holds {wanted}: {_what(load)}."
    else:
        told = wording.sentence(found.nothing(wanted))
    parts = [_summary(told), _figure(curve(found)), _trials(found)]
    if found.best:
        parts += ["<h2>The run that confirmed it</h2>\n", _run(found.best.outcome)]
    return _page(title, [*parts, _settings(newest, environment)])


def _page(title: str, parts: Iterable[str]) -> str:
    return "".join(
        (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
            f"<h1>{escape(title)}</h1>\n",
            *parts,
            "</body>\n</html>\n",
        )
    )


def _run(outcome: Outcome) -> str:
    warning = table.advice(outcome)
    return "".join(
        (
            _summary(f"{_what(outcome.load).capitalize()}: {_told(outcome)}"),
            f'<p class="warning">{escape(wording.sentence(warning))}</p>\n' if warning else "",
            _tiles(outcome),
            *map(_figure, figures(outcome)),
            "<h2>In figures</h2>\n",
            _list(table.rows(outcome)),
        )
    )


def _what(load: Load) -> str:
    streams = "one stream" if load.streams == 1 else f"{load.streams:,} streams"
    if load.rate is None:
        return f"{streams} that each step when they are answered"
    each = "" if load.streams == 1 else " each"
    return f"{streams} of {wording.rate(load.rate)}{each}"


def _told(outcome: Outcome) -> str:
    latency = outcome.latency
    if not latency.count:
        return "no step was answered."
    half, most = (wording.duration(latency.percentile(of)) for of in (50, 99))
    told = f"half of the steps answered within {half} of when they were due, 99 % within {most}."
    if unanswered := outcome.total.due - outcome.total.answered:
        told = (
            f"{unanswered:,} of {outcome.total.due:,} steps not answered. From when they were due, "
            f"half waited for {half} at most, 99 % for {most}."
        )
    return f"{told} The run was interrupted." if outcome.interrupted else told


def _summary(text: str) -> str:
    return f'<p class="summary">{escape(text)}</p>\n'


def _tiles(outcome: Outcome) -> str:
    asked = outcome.load.asked
    tiles = [("answers", wording.rate(outcome.rate), f"of {wording.rate(asked)}" if asked else "")]
    if outcome.latency.count:
        told = table.percentiles(outcome)
        tiles += [(name, wording.duration(value), "") for name, value in told]
    tiles.append(("errors", f"{outcome.errors:,}", ""))
    if outcome.misses is not None:
        tiles.append(("misses", wording.share(outcome.misses), ""))
    shown = (
        f"<div><span>{escape(name)}</span><b>{escape(value)}</b><i>{escape(aside)}</i></div>\n"
        for name, value, aside in tiles
    )
    return f'<div class="tiles">\n{"".join(shown)}</div>\n'


def _figure(figure: Figure) -> str:
    return (
        f"<h2>{escape(figure.title)}</h2>\n<figure><figcaption>{escape(figure.caption)}"
        f"</figcaption>\n{figure.drawing}</figure>\n"
    )


def _trials(found: Found) -> str:
    head = ("trial", "streams", "rate each", "asked", "reached", "p50", "p99", "max", "")
    cells = "".join(f"<th>{name}</th>" for name in head)
    return (
        f'<h2>Trials</h2>\n<div class="table"><table>\n<thead><tr>{cells}</tr></thead>\n<tbody>\n'
        f"{''.join(map(_row, table.trial_rows(found.trials)))}</tbody></table></div>\n"
    )


def _row(cells: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>\n"


def _settings(outcome: Outcome, environment: Mapping[str, str]) -> str:
    load, served = outcome.load, outcome.served
    connections = "1 process" if outcome.processes == 1 else f"{outcome.processes} processes"
    facts = {
        "model": f"{served.model}/{served.version}",
        "inputs": ", ".join(served.inputs),
        **({"digest": served.digest[:16]} if served.digest else {}),
        "protocol": load.protocol,
        "arrivals": "closed loop" if load.rate is None else load.arrivals,
        "time": f"{load.ramp:g} s of ramp, {load.duration:g} s measured, seed {load.seed}",
        "load from": connections,
        **environment,
    }
    return f"<h2>How it was made</h2>\n{_list(facts.items())}"


def _list(terms: Iterable[tuple[str, str]]) -> str:
    items = (f"<dt>{escape(term)}</dt><dd>{escape(told)}</dd>" for term, told in terms)
    return f"<dl>\n{''.join(items)}\n</dl>\n"
