"""Streams as they are listed, in memory and in a store."""

from __future__ import annotations

import dataclasses

import pytest

from service.core.errors import StoreDown
from service.core.lifecycle import State
from service.streams.states import States
from tests.fakes import MODEL, Connection, request
from tests.outside import named
from tests.replicas import Replica, Shared


async def test_streams_are_listed_by_pages(replica: Replica, states: States) -> None:
    for stream_id in ("b", "a", "d", "c"):
        session = await replica.create(stream_id)
        await session.add(1.0)
    session.detach()
    elsewhere = dataclasses.replace(request("e"), namespace="plant")
    await replica.open(elsewhere, Connection())
    first = await states.list("", "", 3, lambda model: True)
    assert [each.id for each in first.streams] == ["a", "b", "c"]
    assert {each.model for each in first.streams} == {MODEL}
    assert {each.next_step for each in first.streams} == {1}
    assert [each.state for each in first.streams] == [
        State.ATTACHED,
        State.ATTACHED,
        State.DETACHED,
    ]
    rest = await states.list("", first.after, 3, lambda model: True)
    assert ([each.id for each in rest.streams], rest.after) == (["d"], "")


async def test_a_listing_shows_the_models_that_the_caller_may_use(
    replica: Replica, states: States
) -> None:
    for stream_id in ("a", "b", "c"):
        await replica.create(stream_id)
    asked = []

    def covers(model: str) -> bool:
        asked.append(model)
        return len(asked) == 2

    page = await states.list("", "", 1, covers)
    assert [each.id for each in page.streams] == ["b"]
    assert (await states.list("", "", 2, lambda model: False)).streams == []


async def test_what_has_ended_is_not_listed(replica: Replica, states: States) -> None:
    closed, deleted = await replica.create("a"), await replica.create("b")
    await states.delete(named("b"))
    assert deleted.connection.ended
    closed.close()
    assert await states.list("", "", 10, lambda model: True) == ([], "")


async def test_a_listing_takes_its_pages_from_memory_and_store() -> None:
    store = Shared()
    here, there = Replica(store), Replica(store)
    for count, stream_id in enumerate("fbdace"):
        session = await (here if count % 2 else there).create(stream_id)
        await session.add(1.0)
        await session.saved()
    found, after = [], ""
    while True:
        page = await here.engine.states.list("", after, 2, lambda model: True)
        found += page.streams
        after = page.after
        if not after:
            break
    assert [each.id for each in found] == ["a", "b", "c", "d", "e", "f"]
    assert {each.next_step for each in found} == {1}
    assert {each.id for each in found if each.state is State.STORED} == {"f", "d", "c"}


async def test_a_listing_needs_the_store() -> None:
    replica = Replica(Shared())
    await replica.create()
    replica.line.cut = True
    with pytest.raises(StoreDown, match="cannot be listed"):
        await replica.engine.states.list("", "", 10, lambda model: True)
