from __future__ import annotations

import asyncio
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from service.metrics.service import families
from service.metrics.text import read, written
from tests.unit.service.metrics.made import readings


class Alone(Collector):
    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterator[Metric]:
        yield self._family


async def test_what_is_written_is_read_again() -> None:
    made = list(families(readings()))
    again = read(await written(made))
    assert [(family.name, family.type) for family in again] == [
        (family.name, family.type) for family in made
    ]
    assert [family.samples for family in again] == [family.samples for family in made]


async def test_a_family_of_many_samples_is_written_as_one() -> None:
    family = CounterMetricFamily("things", "Of many kinds.", labels=("kind",))
    for kind in range(100):
        family.add_metric((str(kind),), kind)
    text = await written([family])
    assert text == generate_latest(Alone(family)).decode()
    assert text.count("# HELP") == text.count("# TYPE") == 1


async def test_others_have_their_turn_within_a_family_of_many_samples() -> None:
    family = CounterMetricFamily("things", "Of many kinds.", labels=("kind",))
    for kind in range(100):
        family.add_metric((str(kind),), kind)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await written([family])
    counting.cancel()
    assert turns >= 3


async def test_others_have_their_turn_after_each_family() -> None:
    turns = 0

    def take_turn() -> None:
        nonlocal turns
        turns += 1
        asyncio.get_running_loop().call_soon(take_turn)

    def observed() -> Iterator[Metric]:
        for number, family in enumerate(families(readings())):
            assert turns >= number
            yield family

    take_turn()
    await written(observed())
    assert turns > 10
