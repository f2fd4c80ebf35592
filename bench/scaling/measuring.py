"""Measures the constants of the cost model and fits them to what was measured."""

from __future__ import annotations

from bench.scaling import fit
from bench.scaling.arithmetic import arithmetic
from bench.scaling.constants import SMALL, Arithmetic, Client, Constants, Transport
from bench.scaling.costs import arithmetic_us
from bench.scaling.load import Load
from bench.scaling.rounds import Plan, Progress, fleets, in_turn, loading, singles
from bench.scaling.servers import NETWORKS, Place, Service
from bench.scaling.stores import memory, saving

LONE = Load(1)
SINGLES = (
    LONE,
    *(Load(calls) for calls in (2, 8, 32, 128)),
    *(Load(calls, rate) for calls, rate in ((1, 300), (20, 50), (100, 20), (500, 4), (500, 10))),
)
FLEETS = {16: Load(3), 64: Load(3), 256: Load(3)}
"""By their entries."""


async def measure(plan: Plan, place: Place, progress: Progress) -> Constants:
    """Raises LoadFailed, ServerFailed, NotInstalled."""
    progress("ONNX Runtime alone")
    models = {name: arithmetic(plan, place, name) for name in NETWORKS}
    small = models[SMALL]
    transport, client = await _transport(plan, place, small, progress)
    saved = await saving(plan, place, small.kept_bytes, progress)
    idle = await memory(place, small.kept_bytes, progress)
    return Constants(transport, client, models, saved, idle, place.circumstances)


async def _transport(
    plan: Plan, place: Place, arithmetic: Arithmetic, progress: Progress
) -> tuple[Transport, Client]:
    service = place.service()
    loads = {load: loading(service, singles(SMALL, load.calls), load, plan) for load in SINGLES}
    measured = await in_turn(plan, loads, progress)
    server = fit.turns(
        [
            fit.spent(
                each.server_us, each.rate, each.batch, arithmetic_us(arithmetic, round(each.batch))
            )
            for each in measured.values()
        ]
    )
    client = fit.turns(
        [fit.spent(each.client_us, each.rate, each.batch) for each in measured.values()]
    )
    lone = measured[LONE]
    wire = lone.p50_us - lone.server_us - lone.client_us
    fleet, entry = await _fleets(plan, service, arithmetic, server.turn_us, progress)
    return (
        Transport(server.turn_us, server.message_us, server.cold_us, fleet, entry),
        Client(client.turn_us, client.message_us, client.cold_us, wire),
    )


async def _fleets(
    plan: Plan, service: Service, arithmetic: Arithmetic, turn_us: float, progress: Progress
) -> list[float]:
    """What a message and an entry cost beside the turn and the arithmetic."""
    measured = await in_turn(
        plan,
        {
            entries: loading(service, fleets(SMALL, entries, load.calls), load, plan)
            for entries, load in FLEETS.items()
        },
        progress,
    )
    beside = []
    for entries, each in measured.items():
        messages = each.batch / entries
        known = turn_us + arithmetic_us(arithmetic, round(each.batch))
        beside.append(max(1.0, each.server_us - known / messages))
    return fit.nonnegative([[1.0, entries] for entries in measured], beside)
