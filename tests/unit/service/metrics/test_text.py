from __future__ import annotations

import asyncio
from collections.abc import Iterator

from prometheus_client.metrics_core import Metric

from service.metrics.service import families
from service.metrics.text import read, written
from tests.unit.service.metrics.made import readings


async def test_what_is_written_is_read_again() -> None:
    made = list(families(readings()))
    again = read(await written(made))
    assert [(family.name, family.type) for family in again] == [
        (family.name, family.type) for family in made
    ]
    assert [family.samples for family in again] == [family.samples for family in made]


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
