"""What a run has found, as a table for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from bench.load import Round
from bench.machine import QUIET_LOAD
from bench.ratios import QUANTITIES, Pairs, Quantity, Ratio, ratio_of, spread

_STEADY_SPREAD = 0.15
_KEYS = ("what", "against", "ratio", "min", "max", "unit_cost_us")
_LABEL, _FIRST, _COLUMN = 24, 36, 24


def table(measured: Sequence[Pairs]) -> str:
    """Per number of streams the medians of both servers and the ratios of their pairs."""
    return "\n".join(line.rstrip() for line in _lines(measured))


def _lines(measured: Sequence[Pairs]) -> Iterator[str]:
    heads = [*(quantity.name for quantity in QUANTITIES), "server busy"]
    yield " " * _FIRST + "".join(f"{head:>{_COLUMN}}" for head in heads)
    for pairs in measured:
        yield f"{pairs.label:<{_LABEL}}{pairs.against}".ljust(_FIRST) + _medians(pairs.floor)
        yield f"{'':<{_LABEL}}{pairs.what}".ljust(_FIRST) + _medians(pairs.service)
        ratios = [ratio_of(pairs, quantity) for quantity in QUANTITIES]
        cells = "".join(f"{_interval(ratio):>{_COLUMN}}" for ratio in ratios)
        yield f"{'':<{_LABEL}}ratio".ljust(_FIRST) + cells


def _medians(rounds: Sequence[Round]) -> str:
    def cell(quantity: Quantity) -> str:
        figure = median(map(quantity.of, rounds))
        return f"{figure:,.0f}" if quantity.at_least else f"{figure:,.1f} us"

    busy = f"{median(round_.busy for round_ in rounds):.0%}"
    return "".join(f"{text:>{_COLUMN}}" for text in [*map(cell, QUANTITIES), busy])


def _interval(ratio: Ratio) -> str:
    return f"{ratio.ratio:.2f} ({ratio.min:.2f} to {ratio.max:.2f})"


def targets(measured: Sequence[Pairs]) -> str:
    """One line for each target, reached or not."""
    lines = []
    for ratio in _ratios(measured):
        if ratio.target is not None:
            bound = "at least" if ratio.at_least else "at most"
            verdict = "reached" if ratio.reached else "NOT REACHED"
            lines.append(
                f"{verdict}: {ratio.what} over {ratio.against}'s is {ratio.ratio:.2f}, "
                f"asked is {bound} {ratio.target:g}"
            )
    return "\n".join(lines)


def warnings(measured: Sequence[Pairs], load_average: float) -> list[str]:
    """Why these figures may be off: others at work on the machine, or rounds far apart."""
    found = []
    if load_average > QUIET_LOAD:
        found.append(f"the load average was {load_average:.2f} at the start: others were at work")
    for pairs in measured:
        if (apart := spread(pairs.floor)) > _STEADY_SPREAD:
            found.append(f"{pairs.label}: {pairs.against}'s own rounds lie {apart:.0%} apart")
    return found


def write_json(measured: Sequence[Pairs], path: Path) -> None:
    """A list of what, against, ratio, min, max, unit_cost_us."""
    entries = [{key: getattr(ratio, key) for key in _KEYS} for ratio in _ratios(measured)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")


def _ratios(measured: Sequence[Pairs]) -> list[Ratio]:
    return [ratio_of(pairs, quantity) for pairs in measured for quantity in QUANTITIES]
