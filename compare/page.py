"""The comparison as one HTML file that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from html import escape

from compare.plots import Plot, plots
from compare.results import Results
from compare.summary import summary
from compare.table import SPREAD, Column, columns, measures, rows

_STYLE = """
:root { color-scheme: light dark;
  --ink: #1c2126; --faint: #c4cbd2; --paper: #ffffff; --quiet: #59636e; --band: #f4f6f8;
  --series-1: #d1571b; --series-2: #1f6fd0; --series-3: #1a8a54; --series-4: #a03fb3;
  --series-5: #b38600; --series-6: #0f8b94; --series-7: #c2385f; --series-8: #6b6f76; }
@media (prefers-color-scheme: dark) { :root {
  --ink: #e4e8ec; --faint: #444c55; --paper: #15191e; --quiet: #9aa5b1; --band: #1e242b;
  --series-1: #ff9a5c; --series-2: #6cb0ff; --series-3: #52cc8f; --series-4: #d891ea;
  --series-5: #e3bd4a; --series-6: #52c9d2; --series-7: #ff8aa8; --series-8: #a9b0b8; } }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 72rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .5rem; } h2 { font-size: 1.15rem; margin: 2.5rem 0 .25rem; }
p, ul { max-width: 46rem; } .quiet, figcaption, dd { color: var(--quiet); }
.summary { font-size: 1.1rem; border-left: 3px solid var(--series-2); padding-left: 1rem; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: .8rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .45rem; text-align: right; border-bottom: 1px solid var(--faint); }
th { vertical-align: bottom; font-weight: 600; max-width: 8rem; } td { white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
tbody tr:nth-child(even) { background: var(--band); }
figure { margin: 0; } figcaption { max-width: 46rem; margin-bottom: .5rem; }
svg { width: 100%; height: auto; } svg text { font-family: system-ui, sans-serif !important; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.25rem; font-size: .9rem; }
dt { font-weight: 600; max-width: 14rem; } dd { margin: 0; }
"""


def page(results: Results) -> str:
    title = escape(f"Which cell? {results.task}")
    table = columns(results)
    return "".join(
        (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n",
            f'<h1>{title}</h1>\n<p class="summary">{escape(summary(results))}</p>\n',
            _notes(results.notes),
            _table(table),
            *map(_figure, plots(results)),
            f'<h2>Every measure</h2>\n<p class="quiet">On held-out data, {SPREAD}.</p>\n',
            _table(measures(results)),
            "<h2>What the columns mean</h2>\n",
            _list([(column.heading or "network", column.meaning) for column in table]),
            "<h2>How it was made</h2>\n",
            _list([*results.made.items(), *_recipe(results)]),
            "</body>\n</html>\n",
        )
    )


def _notes(notes: Sequence[str]) -> str:
    if not notes:
        return ""
    return f"<ul>{''.join(f'<li>{escape(note)}</li>' for note in notes)}</ul>\n"


def _table(table: Sequence[Column]) -> str:
    head = "".join(f"<th>{escape(column.heading)}</th>" for column in table)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>\n" for row in rows(table)
    )
    return (
        f'<div class="table"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}</tbody></table></div>\n"
    )


def _figure(plot: Plot) -> str:
    return (
        f"<h2>{escape(plot.title)}</h2>\n<figure><figcaption>{escape(plot.caption)}</figcaption>\n"
        f"{plot.svg}</figure>\n"
    )


def _recipe(results: Results) -> Iterator[tuple[str, str]]:
    for term, values in (("task", results.options), ("recipe", asdict(results.recipe))):
        given = [f"{name} {value}" for name, value in values.items() if value is not None]
        if given:
            yield term, ", ".join(given)


def _list(terms: Sequence[tuple[str, str]]) -> str:
    items = (f"<dt>{escape(term)}</dt><dd>{escape(meaning)}</dd>" for term, meaning in terms)
    return f"<dl>\n{''.join(items)}\n</dl>\n"
