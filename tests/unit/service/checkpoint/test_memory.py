from __future__ import annotations

import itertools

from service.checkpoint.memory import MemoryStore
from tests.stores import Clock, record, write


async def test_records_whose_time_is_up_leave_memory_a_few_a_round() -> None:
    clock = Clock()
    store = MemoryStore(clock=clock)
    await store.write([write(f"s{at}", record(1, "p", 1), keep_for=10.0) for at in range(150)])
    await store.write([write("kept", record(1, "p", 1))])
    clock.now += 10.0
    held = [len(store)]
    while held[-1] > 1:
        await store.write([])
        held.append(len(store))
    assert held[0] == 151
    assert all(before - after <= 64 for before, after in itertools.pairwise(held))
    assert len(held) < 10


async def test_it_does_not_call_itself_durable() -> None:
    assert not MemoryStore().durable
