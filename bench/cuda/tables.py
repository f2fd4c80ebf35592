"""What docs/cuda.md shows of the measurement, as tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from bench import wording
from bench.cuda.isolation import TIMESTEPS, Differences
from bench.cuda.saving import Saved
from bench.cuda.steps import BARE, NAIVE, OURS, STEP_P50, TORCH, Measured
from bench.load import Round
from bench.ratios import STEP_RATE, Row, row_of

_US = "µs"


def steps(measured: Sequence[Measured]) -> str:
    """Of one model: a line for each number of streams."""
    heads = ("streams", "steps/s", "p50", "p99", "torch p50", "over torch", "torch, bare, p50")
    more = ("naive arena p50", "steps/s over it", "bytes a step", "naive arena's")
    return _table((*heads, *more), map(_step, measured))


def _step(measured: Measured) -> Sequence[str]:
    ours, torch, bare, naive = (measured.sides[name] for name in (OURS, TORCH, BARE, NAIVE))
    return (
        f"{measured.rows:,}",
        f"{median(each.rate for each in ours.rounds):,.0f}",
        _p50(ours.rounds),
        f"{median(each.p99_us for each in ours.rounds):,.1f} {_US}",
        _p50(torch.rounds),
        wording.ratio(row_of(measured.pairs(TORCH), STEP_P50)),
        _p50(bare.rounds),
        _p50(naive.rounds),
        wording.ratio(row_of(measured.pairs(NAIVE), STEP_RATE)),
        f"{ours.bus_bytes:,}",
        f"{naive.bus_bytes:,}",
    )


def _p50(rounds: Iterable[Round]) -> str:
    return f"{median(each.p50_us for each in rounds):,.1f} {_US}"


def goals(rows: Iterable[Row]) -> str:
    """What was asked, and whether it is reached."""
    heads = ("what", "against", "asked", "measured", "verdict")
    return _table(
        heads,
        (
            (
                f"{row.what}, {row.label}: {row.quantity}",
                row.against,
                wording.goal(row),
                wording.ratio(row),
                wording.verdict(row),
            )
            for row in rows
            if row.goal
        ),
    )


def differences(found: Iterable[Differences]) -> str:
    rows = (
        (
            str(each.network),
            f"{each.rows:,}",
            f"{each.differ:,} of {each.compared:,}",
            f"{each.largest:.1e}" if each.differ else "none",
        )
        for each in found
    )
    heads = (
        "model",
        "streams together",
        f"differ from the same streams alone, after {TIMESTEPS} timesteps",
        "largest difference",
    )
    return _table(heads, rows)


def fixed(rows: Iterable[Row]) -> str:
    """What runs of one size cost."""
    heads = ("model", "streams", "p50 in a run of that size", "of fitting size", "ratio")
    return _table(
        heads,
        (
            (
                row.what,
                f"{row.streams:,}",
                wording.measured(row),
                wording.floor(row),
                wording.ratio(row),
            )
            for row in rows
        ),
    )


def served(rows: Iterable[Row]) -> str:
    heads = ("streams", "quantity", "on the device", "on the CPU", "ratio")
    return _table(
        heads,
        (
            (
                f"{row.streams:,}",
                row.quantity,
                wording.measured(row),
                wording.floor(row),
                wording.ratio(row),
            )
            for row in rows
        ),
    )


def saved(found: Iterable[Saved]) -> str:
    rows = (
        (
            str(each.network),
            f"{each.streams:,}",
            f"{each.together_ms:,.2f} ms",
            f"{each.one_by_one_ms:,.2f} ms",
            f"{each.one_by_one_ms / each.together_ms:.1f}",
        )
        for each in found
    )
    return _table(("model", "streams", "in one copy", "stream by stream", "times"), rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
