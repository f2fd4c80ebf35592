"""What docs/scaling.md shows, as tables in Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from bench.scaling import constants as kept
from bench.scaling import sizing, traffic
from bench.scaling.checking import CASES, Checked, expected
from bench.scaling.constants import LARGE, SMALL, Constants
from bench.scaling.costs import serving
from bench.scaling.simulation import Outcome
from bench.scaling.sizing import Demand

MODELS = {SMALL: "GRU 16→128", LARGE: "GRU 2 × 256"}
STREAMS = tuple(10**power for power in range(3, 8))
RATES = (1, 50, 1000)
ENTRIES = (1, 64, 256)
ROUND, LONG_ROUND = 0.1, 10.0
"""Seconds between rounds of saving: the default, and one that Redis is spared by."""
_GIB = 2**30
NONE = "none"
"""Where nothing keeps to what is asked."""
_TARGETS_US = (500.0, 1000.0, 2000.0, 5000.0)
_MACHINE_BYTES = 64 * _GIB
_NIC_PACKETS, _NIC_BITS = 1e6, 10e9
_ACROSS = {1: "single steps", 64: "fleets of 64", 256: "fleets of 256"}


def constants(found: Constants) -> str:
    rows = (
        (f"`{each.name}`", _figure(each.value), each.unit, each.what) for each in kept.told(found)
    )
    table = _table(("constant", "value", "unit", "what it is"), rows)
    return f"{table}\n\nMeasured on {found.measured}."


def costs(found: Constants) -> str:
    """Of a step, by how many messages share a turn."""
    rows = []
    for model, name in MODELS.items():
        single = serving(found, model)
        rows += [
            (name, f"{count} in a turn", _figure(single.of(count) / count))
            for count in (1, 4, 16, 64, 256)
        ]
        rows += [
            (name, _ACROSS[entries], _figure(sizing.step_us(found, model, entries)))
            for entries in ENTRIES[1:]
        ]
    return _table(("model", "messages", "CPU per step, µs"), rows)


def loads(found: Constants) -> str:
    """A core under single steps that come at random."""
    rows = [
        (
            name,
            f"{each.share:.0%}",
            _count(each.rate),
            f"{each.busy:.0%}",
            f"{each.batch:.1f}",
            _figure(each.p50_us),
            _figure(each.p99_us),
        )
        for model, name in MODELS.items()
        for each in sizing.loaded(found, model)
    ]
    heads = ("model", "of the limit", "steps/s", "busy", "steps in a turn", "p50, µs", "p99, µs")
    return _table(heads, rows)


def cores(found: Constants, model: str) -> str:
    """Server cores, without saving and with; answers within a period at the 99th percentile."""
    held = {
        rate: [
            (entries, sizing.held(found, model, Demand(1, rate, interval), entries))
            for interval in (None, ROUND)
            for entries in ENTRIES
        ]
        for rate in RATES
    }
    rows = [
        (
            _count(streams),
            f"{rate} Hz",
            _count(streams * rate),
            *(_cores(streams, calls * entries) for entries, calls in held[rate]),
        )
        for streams in STREAMS
        for rate in RATES
    ]
    across = tuple(_ACROSS.values())
    heads = ("streams", "each at", "steps/s", *across, *(f"saved: {name}" for name in across))
    return _table(heads, rows)


def _cores(streams: int, held: int) -> str:
    return _count(math.ceil(streams / held)) if held else NONE


def shares(found: Constants) -> str:
    """How much of a core may be used, by the target for the 99th percentile."""
    rows = []
    for model, name in MODELS.items():
        for entries, messages in _ACROSS.items():
            curve = sizing.loaded(found, model, entries)
            given = [sizing.share(curve, target) for target in _TARGETS_US]
            told = (NONE if one is None else f"{one:.0%}" for one in given)
            rows.append((name, messages, *told))
    heads = (f"p99 ≤ {target / 1000:g} ms" for target in _TARGETS_US)
    return _table(("model", "messages", *heads), rows)


def redis(found: Constants, model: str) -> str:
    rows = []
    for streams in STREAMS:
        for interval, rate, said in (
            (ROUND, 1.0, "1 Hz"),
            (ROUND, 10.0, "10 Hz and more"),
            (LONG_ROUND, 1.0, "1 Hz and more"),
        ):
            need = sizing.redis(found, model, Demand(streams, rate, interval))
            rows.append(
                (
                    _count(streams),
                    said,
                    f"{interval:g} s",
                    _count(need.checkpoints_hz),
                    _count(need.instances),
                    _bytes(need.memory_bytes),
                    _bits(need.bits_hz),
                )
            )
    heads = ("streams", "each at", "rounds every", "checkpoints/s", "Redis", "memory", "network")
    return _table(heads, rows)


def limits(found: Constants) -> str:
    """What one of each thing carries."""
    return _table(
        ("one", "carries", *MODELS.values()),
        [(one, what, *(_count(value) for value in values)) for one, what, values in _limits(found)],
    )


def _limits(found: Constants) -> Iterable[tuple[str, str, Sequence[float]]]:
    for entries, name in _ACROSS.items():
        given = [1e6 * sizing.SHARE / sizing.step_us(found, model, entries) for model in MODELS]
        yield f"server core at {sizing.SHARE:.0%}", f"steps/s, {name}", given
    for entries, name in ((1, "alone"), (256, "in fleets")):
        each = [sizing.memory_bytes(found, model, 1, entries) for model in MODELS]
        yield "server with 64 GiB", f"open streams {name}", [_MACHINE_BYTES / one for one in each]
    second = 1e6 * sizing.REDIS_SHARE / found.saving.redis_side_us
    for interval, name in ((ROUND, "at 10 Hz and more"), (LONG_ROUND, "in rounds of 10 s")):
        yield f"Redis at {sizing.REDIS_SHARE:.0%}", f"streams {name}", [second * interval] * 2
    each = [sizing.redis(found, model, Demand(1, 1, ROUND)).memory_bytes for model in MODELS]
    yield "Redis with 64 GiB", "streams", [_MACHINE_BYTES / one for one in each]
    for entries, name in ((1, _ACROSS[1]), (256, _ACROSS[256])):
        way = [traffic.of(found.arithmetic[model], entries) for model in MODELS]
        yield (
            "network card, 1 M packets/s each way",
            f"steps/s, {name}",
            [_NIC_PACKETS / one.packets for one in way],
        )
        yield (
            "network card, 10 Gbit/s each way",
            f"steps/s, {name}",
            [_NIC_BITS / (8 * one.bytes) for one in way],
        )


def checks(found: Constants, checked: Checked) -> str:
    """Simulated → measured, and how far the simulated one is off."""
    rows = []
    for name, case in CASES.items():
        said, real = expected(found, case), checked.loads[name]
        pairs = (
            (said.cpu, real.cpu),
            (said.batch, real.batch),
            (said.p50, real.p50),
            (said.p99, real.p99),
        )
        rows.append((name, *(_compared(*pair) for pair in pairs)))
    heads = ("load", "CPU per step, µs", "steps in a turn", "p50, µs", "p99, µs")
    return f"{_table(heads, rows)}\n\nMeasured on {checked.measured}."


def outcome(found: Outcome) -> str:
    """What a simulated core did, in lines."""
    sizes, counts = np.unique(found.batches, return_counts=True)
    lines = [
        f"{found.rate:,.0f} steps/s, {found.busy:.0%} busy, {_figure(found.server_us)} µs a step",
        f"round trip p50 {found.trip_us(50):,.0f} µs, p99 {found.trip_us(99):,.0f} µs",
        f"steps in a turn: {found.batch:.1f} in the mean",
    ]
    lines += [
        f"{size:>5} in {count / counts.sum():.1%} of the turns"
        for size, count in zip(sizes.tolist(), counts.tolist(), strict=True)
    ]
    return "\n".join(lines)


def _compared(said: float, real: float) -> str:
    return f"{_figure(said)} / {_figure(real)} ({said / real - 1:+.0%})"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _figure(value: float) -> str:
    """Three digits, or all before the point."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _count(value: float) -> str:
    """Three digits that count, and zeros."""
    if value <= 0:
        return "0"
    unit = 10 ** max(0, math.floor(math.log10(value)) - 2)
    return f"{round(value / unit) * unit:,}"


def _bytes(value: float) -> str:
    return f"{value / _GIB:,.1f} GiB" if value >= _GIB else f"{value / 2**20:,.0f} MiB"


def _bits(value: float) -> str:
    return f"{value / 1e9:,.1f} Gbit/s" if value >= 1e9 else f"{value / 1e6:,.0f} Mbit/s"
