"""The figures of an episode, and the table that sets models side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from rich.table import Table
from rich.text import Text

from demo.pendulum.loop import Record
from models.tasks.pendulum.world import PERIOD, UPRIGHT, stands, upright_from


class Figures(NamedTuple):
    """What an episode comes to. Times in seconds, angles in radians."""

    stands: bool
    time_to_upright: float | None
    """Until it is upright for good; None if it does not stand at the end."""
    mean_error: float | None
    """Mean |angle| from then on."""
    upright_share: float
    """Of all timesteps, in passing too."""
    round_trip_p50: float
    round_trip_p99: float
    late: int
    timesteps: int


def figures(record: Record) -> Figures:
    """Standing is judged as `models.tasks.pendulum.world` defines it."""
    p50, p99 = np.percentile(record.round_trips, (50, 99))
    first = upright_from(record.angles) if stands(record.angles) else None
    errors = np.abs(record.angles)
    return Figures(
        stands=first is not None,
        time_to_upright=None if first is None else PERIOD * first,
        mean_error=None if first is None else float(errors[first:].mean()),
        upright_share=float((errors < UPRIGHT).mean()),
        round_trip_p50=float(p50),
        round_trip_p99=float(p99),
        late=int(record.late.sum()),
        timesteps=len(record.angles),
    )


def table(columns: Mapping[str, Figures]) -> Table:
    """A column for each model."""
    made = Table()
    made.add_column("")
    for model in columns:
        made.add_column(model, justify="right")
    by_model = [_cells(column) for column in columns.values()]
    for label in by_model[0]:
        made.add_row(Text(label), *(cells[label] for cells in by_model))
    return made


def _cells(column: Figures) -> dict[str, str]:
    return {
        "stands at the end": "yes" if column.stands else "no",
        "time to upright [s]": _figure(column.time_to_upright, ".2f"),
        "mean |angle| after it [rad]": _figure(column.mean_error, ".4f"),
        "upright [% of timesteps]": f"{100 * column.upright_share:.0f}",
        "round trip, p50 [ms]": f"{1e3 * column.round_trip_p50:.2f}",
        "round trip, p99 [ms]": f"{1e3 * column.round_trip_p99:.2f}",
        "late steps": f"{column.late} of {column.timesteps}",
    }


def _figure(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
