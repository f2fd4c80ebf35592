"""Loads take turns, and each gives the medians of its rounds."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.scaling.rounds import Plan, in_turn


@dataclass(frozen=True)
class _Given:
    cost: float
    rate: float


async def test_loads_take_turns_and_each_figure_is_a_median() -> None:
    order: list[str] = []

    def load(name: str, given: list[_Given]) -> Callable[[], Awaitable[_Given]]:
        async def put_on() -> _Given:
            order.append(name)
            return given[order.count(name) - 1]

        return put_on

    loads = {
        "a": load("a", [_Given(1.0, 9.0), _Given(3.0, 8.0), _Given(2.0, 1.0)]),
        "b": load("b", [_Given(5.0, 5.0), _Given(5.0, 7.0), _Given(6.0, 6.0)]),
    }
    told: list[str] = []
    found = await in_turn(Plan(rounds=3), loads, told.append)
    assert found == {"a": _Given(2.0, 8.0), "b": _Given(5.0, 6.0)}
    assert order == ["a", "b"] * 3
    assert told[-1] == "b, 3 of 3"
