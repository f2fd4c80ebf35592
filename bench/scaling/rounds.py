"""Short rounds: each load in turn, again and again, and the median of what was measured."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, fields
from statistics import median
from typing import Any, TypeVar

from bench.scaling.load import Load, Measured, put
from bench.scaling.servers import FEATURES, Service
from bench.scaling.talk import Fleet, Single, Talk

Key = TypeVar("Key", bound=Hashable)
# What a round gives: a dataclass of numbers, which Python has no type for.
Given = TypeVar("Given", bound=Any)

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    rounds: int = 3
    warm_up: float = 0.3
    seconds: float = 1.0


async def in_turn(
    plan: Plan, loads: Mapping[Key, Callable[[], Awaitable[Given]]], progress: Progress
) -> dict[Key, Given]:
    """Medians, field by field."""
    found: dict[Key, list[Given]] = {key: [] for key in loads}
    for number in range(1, plan.rounds + 1):
        for key, load in loads.items():
            progress(f"{key}, {number} of {plan.rounds}")
            found[key].append(await load())
    return {key: _median(given) for key, given in found.items()}


def _median(given: Sequence[Given]) -> Given:
    first = given[0]
    medians = {one.name: median(getattr(each, one.name) for each in given) for one in fields(first)}
    kind: Callable[..., Given] = type(first)
    return kind(**medians)


def singles(model: str, count: int) -> list[Talk]:
    return [Single(model, FEATURES) for _ in range(count)]


def fleets(model: str, entries: int, count: int) -> list[Talk]:
    return [Fleet(model, FEATURES, entries) for _ in range(count)]


def loading(
    service: Service, talks: Sequence[Talk], load: Load, plan: Plan
) -> Callable[[], Awaitable[Measured]]:
    """A round of that load."""

    async def put_on() -> Measured:
        return await put(
            service.address,
            talks,
            load,
            service.cpu_seconds,
            warm_up=plan.warm_up,
            seconds=plan.seconds,
        )

    return put_on
