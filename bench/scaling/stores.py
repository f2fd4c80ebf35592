"""What saved streams cost the service and Redis, and what memory open ones take."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bench.scaling.constants import SMALL, Memory, Saving
from bench.scaling.load import Load, Measured, Talker, converse, opened, put
from bench.scaling.rounds import Plan, Progress, fleets, in_turn, singles
from bench.scaling.servers import Place, Service, told
from torture.redis_server import RedisServer

_SAVED = Load(300, 10)
"""Slow enough that every step is a checkpoint."""
_FILLING = 1.2
"""Seconds in which a stream of that load has filled its window."""
_STREAMS, _FLEETS, _ENTRIES = 2000, 8, 256
"""Idle ones."""


async def saving(plan: Plan, place: Place, kept_bytes: float, progress: Progress) -> Saving:
    redis = place.redis()
    services = {
        "memory": place.service(),
        "sqlite": place.service(f"sqlite:{place.folder / 'streams.db'}"),
        "redis": place.service(redis.url),
    }
    loads = {kind: _kept(service, redis, plan) for kind, service in services.items()}
    measured = await in_turn(plan, loads, progress)
    without = measured["memory"].server_us
    with_redis = measured["redis"]
    return Saving(
        sqlite_us=_each(measured["sqlite"], without),
        redis_us=_each(with_redis, without),
        redis_side_us=with_redis.redis_us,
        redis_wire_bytes=with_redis.redis_bytes - kept_bytes,
        redis_memory_bytes=with_redis.redis_memory - kept_bytes,
    )


@dataclass(frozen=True, slots=True)
class _Kept:
    """A load whose streams are saved; those of Redis are for a checkpoint, or for a stream."""

    server_us: float
    checkpoints: float
    """For each message."""
    redis_us: float
    redis_bytes: float
    redis_memory: float


def _each(kept: _Kept, without_us: float) -> float:
    return max(0.0, kept.server_us - without_us) / kept.checkpoints


def _kept(service: Service, redis: RedisServer, plan: Plan) -> Callable[[], Awaitable[_Kept]]:
    names = ("used_cpu_sys", "used_cpu_user", "total_net_input_bytes", "used_memory")

    async def load() -> _Kept:
        empty = told(redis, *names)["used_memory"]
        talks = singles(SMALL, _SAVED.calls)
        async with opened(service.address, talks) as talkers:
            # Until each keeps as many outputs as it ever does.
            await _conversing(service, talkers, _FILLING)
            before, saved = told(redis, *names), await service.checkpoints()
            measured = await _conversing(service, talkers, 2 * plan.seconds)
            after, saved = told(redis, *names), await service.checkpoints() - saved
        spent = {name: after[name] - before[name] for name in names}
        count = max(1.0, saved)
        return _Kept(
            measured.server_us,
            saved / measured.messages,
            (spent["used_cpu_sys"] + spent["used_cpu_user"]) / count * 1e6,
            spent["total_net_input_bytes"] / count,
            (after["used_memory"] - empty) / _SAVED.calls,
        )

    return load


async def _conversing(service: Service, talkers: Sequence[Talker], seconds: float) -> Measured:
    return await converse(
        talkers, _SAVED.rate_hz, service.cpu_seconds, warm_up=0.0, seconds=seconds
    )


async def memory(place: Place, kept_bytes: float, progress: Progress) -> Memory:
    """Resident memory beyond `kept_bytes`, of a stream and of an entry of a fleet."""
    found = []
    for talks in (singles(SMALL, _STREAMS), fleets(SMALL, _ENTRIES, _FLEETS)):
        progress(f"memory of {len(talks)} idle calls")
        service = place.service()
        await put(
            service.address, talks[:1], Load(1), service.cpu_seconds, warm_up=0.1, seconds=1.0
        )
        before = service.resident_bytes()
        async with opened(service.address, talks):
            grown = service.resident_bytes() - before
        service.stop()
        found.append(grown / sum(talk.entries for talk in talks) - kept_bytes)
    return Memory(*found)
