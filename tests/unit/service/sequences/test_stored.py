"""Sequences whose state is in a store that several servers share."""

from __future__ import annotations

from typing import Any

import pytest

from service.core.errors import InvalidRequest, StoreDown
from service.core.sequences import sequence_key
from service.core.steps import Output
from service.sequences.sequences import Sequences
from tests.fakes import MODEL
from tests.replicas import Replica, Shared, until
from tests.sequences import Client

KEY = sequence_key("", MODEL.name, 7)


class Server:
    def __init__(self, store: Shared, limit: int = 8) -> None:
        self.replica = Replica(store, limit=limit)
        self.sequences = Sequences(self.replica.engine, 60.0, 1_000)
        self.client = Client(self.sequences)

    async def saved(self, step: int) -> None:
        """Waits until the store has the sequence as it is at `step`."""
        store = self.replica.line.store
        assert isinstance(store, Shared)
        await until(lambda: store.step(KEY) == step)

    async def stop(self) -> None:
        self.replica.engine.drain()
        await self.replica.engine.drained()
        await self.replica.engine.close_down(1.0)

    async def crash(self) -> None:
        """Nothing of it reaches the store any more."""
        self.replica.line.cut = True

    async def refuses(self, **said: Any) -> None:
        """A start, which says so much more, and what comes behind it."""
        sent = [self.client.send(7, start=True, **said), self.client.send(7)]
        refusals = [str(await self.client.told(request)) for request in sent]
        assert "sequence_start" not in refusals[0]
        assert "sequence_start" in refusals[1]


async def test_a_sequence_goes_on_where_its_server_stopped() -> None:
    store = Shared()
    first, second = Server(store), Server(store)
    await first.client.add(7, 1.0, start=True)
    await first.client.add(7, 2.0)
    await first.stop()
    assert await second.client.add(7, 3.0) == 6.0


async def test_a_sequence_goes_on_at_another_server_while_its_own_lives() -> None:
    store = Shared()
    first, second = Server(store), Server(store)
    await first.client.add(7, 1.0, start=True)
    assert await second.client.add(7, 2.0) == 3.0
    assert await first.client.add(7, 3.0) == 6.0
    assert await second.client.add(7, 4.0, end=True) == 10.0


async def test_after_a_crash_a_sequence_without_numbers_asks_for_a_start() -> None:
    store = Shared()
    first, second = Server(store), Server(store)
    await first.client.add(7, 1.0, start=True)
    await first.client.add(7, 2.0)
    await first.saved(2)
    await first.crash()
    refusal = await second.client.refusal(7, 3.0)
    assert "may be lost" in refusal and "sequence_start" in refusal
    assert await second.client.add(7, 5.0, start=True) == 5.0
    assert await second.client.add(7, 1.0) == 6.0


async def test_after_a_crash_a_numbered_sequence_goes_on_from_its_last_checkpoint() -> None:
    store = Shared()
    first, second = Server(store), Server(store)
    await first.client.add(7, 1.0, start=True, step=0)
    await first.client.add(7, 2.0, step=1)
    await first.saved(2)
    await first.crash()
    await first.client.add(7, 3.0, step=2)
    assert "send step 2" in await second.client.refusal(7, 4.0, step=3)
    assert await second.client.add(7, 2.0, step=1) == 3.0
    assert await second.client.add(7, 3.0, step=2) == 6.0


async def test_a_start_elsewhere_ends_the_sequence_here() -> None:
    store = Shared()
    first, second = Server(store), Server(store)
    await first.client.add(7, 1.0, start=True)
    assert await second.client.add(7, 10.0, start=True) == 10.0
    assert await first.client.add(7, 1.0) == 11.0


@pytest.mark.parametrize(
    "wrong", [{"version": 9}, {"step": 3}, {"refusal": InvalidRequest("no such input")}]
)
async def test_a_start_that_is_refused_ends_what_another_server_has(wrong: dict[str, Any]) -> None:
    store = Shared()
    first, second = Server(store), Server(store)
    await first.client.add(7, 1.0, start=True)
    await second.refuses(**wrong)
    assert "sequence_start" in await first.client.refusal(7)


async def test_a_start_for_which_there_is_no_room_ends_what_a_server_left() -> None:
    store = Shared()
    first, second = Server(store), Server(store, limit=1)
    await first.client.add(7, 1.0, start=True)
    await first.stop()
    await second.client.add(8, 1.0, start=True)
    assert "no room" in await second.client.refusal(7, start=True)
    await second.client.add(8, 1.0, end=True)
    assert "sequence_start" in await second.client.refusal(7)


async def test_a_start_that_is_refused_ends_what_was_taken_over_unawares() -> None:
    store = Shared()
    first, second = Server(store), Server(store)
    await first.client.add(7, 1.0, start=True, step=0)
    await first.saved(1)
    first.replica.line.cut = True
    assert await second.client.add(7, 1.0, step=1) == 2.0
    first.replica.line.cut = False
    await first.refuses(version=9)
    assert "sequence_start" in await second.client.refusal(7)


async def test_a_start_whose_client_is_gone_leaves_what_another_server_has() -> None:
    """Its client may have begun the sequence anew there."""
    store = Shared()
    first, second = Server(store), Server(store)
    await first.client.add(7, 1.0, start=True)
    gone = Client(second.sequences)
    gone.gone = True
    gone.send(7, start=True)
    assert await first.client.add(7, 1.0) == 2.0
    assert not gone.heard


async def test_of_two_starts_of_a_living_sequence_one_begins_it_anew() -> None:
    for _ in range(20):
        store = Shared()
        former, *servers = (Server(store) for _ in range(3))
        await former.client.add(7, 1.0, start=True)
        starts = [server.client.send(7, 5.0, start=True) for server in servers]
        told = [await s.client.told(start) for s, start in zip(servers, starts, strict=True)]
        begun = [s for s, what in zip(servers, told, strict=True) if isinstance(what, Output)]
        assert begun, told
        assert await begun[-1].client.add(7, 1.0) == 6.0


async def test_of_starts_that_are_refused_in_a_row_the_last_one_asks_the_store() -> None:
    store = Shared()
    first, second = Server(store), Server(store)
    await first.client.add(7, 1.0, start=True)
    for _ in range(50):
        second.client.send(7, start=True, step=3)
    assert "sequence_start" in await second.client.refusal(7)
    assert second.replica.line.reads < 10


async def test_while_the_store_is_away_a_start_ends_nothing_elsewhere() -> None:
    store = Shared()
    first, second = Server(store), Server(store)
    await first.client.add(7, 1.0, start=True)
    second.replica.line.cut = True
    sent = [second.client.send(7, start=True), second.client.send(7)]
    for request in sent:
        assert isinstance(await second.client.told(request), StoreDown)
    second.replica.line.cut = False
    assert await second.client.add(7, 1.0) == 2.0


async def test_an_ended_sequence_is_gone_everywhere() -> None:
    store = Shared()
    first, second = Server(store), Server(store)
    await first.client.add(7, 1.0, start=True, end=True)
    assert "sequence_start" in await second.client.refusal(7)


async def test_a_numbered_sequence_that_has_ended_stays_ended_at_the_next_server() -> None:
    store = Shared()
    first, second, third = (Server(store) for _ in range(3))
    await first.client.add(7, 1.0, start=True, step=0)
    await first.client.add(7, 1.0, step=1, end=True)
    await first.stop()
    assert "has ended" in await second.client.refusal(7)
    assert "has ended" in await second.client.refusal(7, step=2)
    assert await second.client.add(7, 1.0, step=1, end=True) == 2.0
    await second.stop()
    assert "has ended" in await third.client.refusal(7, step=2)
    assert await third.client.add(7, 5.0, start=True, step=0) == 5.0
    assert await third.client.add(7, 5.0, step=1) == 10.0
