"""A round says how long steps take; sides take turns."""

from collections.abc import Iterator

import numpy as np
import pytest

from bench.cuda.rounds import Plan, by_turns, timed
from service.core.model import Array


class Diary:
    """A side that writes down when it steps."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self._log = name, log

    def begin(self, inputs: Array) -> None:
        raise AssertionError("it has begun")

    def step(self) -> None:
        self._log.append(self.name)

    def outputs(self) -> Array:
        return np.empty(0)

    def bus_bytes(self) -> int:
        return 0


def test_a_round_is_told_by_the_times_of_its_steps() -> None:
    steps: Iterator[float] = iter([0.0, 0.001, 0.003, 0.004, 0.014])
    log: list[str] = []
    found = timed(Diary("a", log), rows=7, seconds=0.01, clock=lambda: next(steps))
    assert len(log) == 5  # one of them to warm up
    assert found.rate == pytest.approx(7 * 4 / 0.014)
    assert found.p50_us == pytest.approx(1500)
    assert found.p99_us == pytest.approx(9760)


def test_sides_warm_up_and_then_take_turns() -> None:
    log: list[str] = []
    plan = Plan(sizes=(1,), rounds=2, seconds=0.0, first_steps=2)
    first, second = by_turns([Diary("a", log), Diary("b", log)], 1, plan)
    assert "".join(log) == "aabb" + "aabb" * 2
    assert len(first) == len(second) == 2
