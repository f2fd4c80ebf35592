"""Results as a comparison leaves them, with figures that can be checked by hand."""

from __future__ import annotations

from compare.contestants import Contestant, Equal
from compare.results import Entry, Results, Served, Trial
from models.cores import Cell
from models.tasks.task import Headline, Recipe

ERROR, SHARE = "error <x> [m]", "right | in time [%]"


def trial(
    seed: int, error: float, share: float | None = None, memory: int | None = 3, seconds: float = 2
) -> Trial:
    return Trial(
        seed,
        seconds,
        (1, 2, 3),
        (3.0, 2.0, 1.0),
        {SHARE: share, ERROR: error},
        (1.0, 0.5, 0.1, 0.01, 0.0),
        (1.0, 0.9, 0.5, 0.2, 0.001),
        memory,
    )


def diverged(seed: int) -> Trial:
    return Trial(seed, 1.0, (1,), (9.0,), failure="the loss became nan in batch 2: lower the rate")


def entry(
    cell: Cell, hidden: int, equal: tuple[Equal, ...], *trials: Trial, served: bool = True
) -> Entry:
    costs = Served(round_trip=4e-4, step=2.04e-5, state_bytes=4 * hidden) if served else None
    return Entry(Contestant(cell, hidden, equal), 10 * hidden, trials, costs)


def results(*entries: Entry, headline: Headline | None = None, seeds: int = 2) -> Results:
    return Results(
        task="made",
        options={"length": 7},
        recipe=Recipe(rounds=1, batches=3),
        headline=headline or Headline(ERROR, "lower"),
        seeds=tuple(range(seeds)),
        entries=entries,
        baselines={"last value": {SHARE: 50.0, ERROR: 3.5}, "oracle": {SHARE: None, ERROR: 0.5}},
        notes=("rnn 9, seed 1, diverged: <why>.",),
        made={"command": "stepwire compare made"},
    )


def usual() -> Results:
    """The gated network is best; the larger of the others diverged once."""
    return results(
        entry("rnn", 4, ("hidden size",), trial(0, 4.0), trial(1, 6.0, share=10.0)),
        entry("gru", 4, ("hidden size", "parameters"), trial(0, 1.0, 80.0), trial(1, 3.0, 90.0)),
        entry("rnn", 9, ("parameters",), trial(0, 3.0, memory=None), diverged(1)),
    )
