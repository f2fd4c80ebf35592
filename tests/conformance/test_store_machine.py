"""Any sequence of calls leaves every state store as it leaves a dictionary."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from service.checkpoint.store import Listed, Record, Write
from service.core.streams import Fence, StreamKey
from tests.stores import KEPT, Place, RedisPlace, record

owners = st.sampled_from(["p", "q", "pp"])
fences = st.builds(Fence, st.integers(1, 3), owners)
keys = st.builds(StreamKey, st.sampled_from(["", "n"]), st.sampled_from(["a", "a.b", "a:b"]))
steps = st.one_of(st.integers(0, 3), st.none())
records = st.builds(
    lambda fence, step, released: record(fence.epoch, fence.owner, step, released=released),
    fences,
    steps,
    st.booleans(),
)
times = st.sampled_from([10.0, KEPT])


class Model:
    """The contract, as a dictionary."""

    def __init__(self) -> None:
        self.records: dict[StreamKey, tuple[Record, float]] = {}
        self.claims: set[StreamKey] = set()
        self.now = 0.0

    def read(self, key: StreamKey) -> Record | None:
        kept, expires = self.records.get(key, (None, 0.0))
        return kept if expires > self.now else None

    def living(self, key: StreamKey) -> Record | None:
        kept = self.read(key)
        return kept if kept and kept.checkpoint else None

    def put(self, write: Write) -> None:
        former = self.read(write.key)
        self.records[write.key] = (write.record, self.now + write.keep_for)
        kept = self.living(write.key)
        if not former or not kept or kept.released or former.fence != kept.fence:
            self.claims.discard(write.key)

    def create(self, write: Write) -> bool:
        former = self.read(write.key)
        if former and (former.checkpoint or former.fence >= write.record.fence):
            return False
        self.put(write)
        return True

    def write(self, write: Write) -> bool:
        former = self.read(write.key)
        if former and former.order > write.record.order:
            return False
        self.put(write)
        return True

    def replace(self, write: Write, seen: Fence) -> bool:
        former = self.read(write.key)
        if former and former.fence != seen:
            return False
        self.put(write)
        return True

    def take(self, key: StreamKey, seen: Fence, owner: str) -> Record | None:
        kept = self.living(key)
        if not kept or kept.fence != seen:
            return None
        taken = replace(kept, fence=Fence(seen.epoch + 1, owner), released=False)
        self.records[key] = (taken, self.records[key][1])
        self.claims.discard(key)
        return taken

    def claim(self, key: StreamKey) -> None:
        if (kept := self.living(key)) and not kept.released:
            self.claims.add(key)

    def claimed(self, owner: str) -> list[StreamKey]:
        owned = ((key, self.read(key)) for key in sorted(self.claims))
        return [key for key, kept in owned if kept and kept.fence.owner == owner]

    def list(self, namespace: str) -> list[Listed]:
        living = ((key, self.living(key)) for key in sorted(self.records))
        return [
            Listed(key, "gru", 3, kept.step, kept.released)
            for key, kept in living
            if kept and key.namespace == namespace
        ]


class Stores(RuleBasedStateMachine):
    """Two stores over the same records, and the model beside them.

    Each run has names of its own, so that it finds nothing of another's.
    """

    place: Place
    runner: asyncio.Runner
    runs = itertools.count()

    @initialize()
    def begin(self) -> None:
        self.model = Model()
        self.prefix = f"{next(self.runs)}-"
        self.stores = [self.place.store(), self.place.store()]

    def teardown(self) -> None:
        for store in self.stores:
            self.run(store.close())

    def run(self, call: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(call)

    def own(self, key: StreamKey) -> StreamKey:
        return StreamKey(self.prefix + key.namespace, key.id)

    def own_write(self, write: Write) -> Write:
        return write._replace(key=self.own(write.key), record=self.own_record(write.record))

    def own_record(self, kept: Record) -> Record:
        return replace(kept, fence=self.own_fence(kept.fence))

    def own_fence(self, fence: Fence) -> Fence:
        return fence._replace(owner=self.prefix + fence.owner)

    @rule(at=st.integers(0, 1), write=st.builds(Write, keys, records, times))
    def create(self, at: int, write: Write) -> None:
        created = self.run(self.stores[at].create(self.own_write(write)))
        assert created == self.model.create(write)

    @rule(at=st.integers(0, 1), writes=st.lists(st.builds(Write, keys, records, times), max_size=4))
    def write(self, at: int, writes: list[Write]) -> None:
        stored = self.run(self.stores[at].write([self.own_write(write) for write in writes]))
        assert stored == [self.model.write(write) for write in writes]

    @rule(at=st.integers(0, 1), write=st.builds(Write, keys, records, times), seen=fences)
    def replace(self, at: int, write: Write, seen: Fence) -> None:
        former = self.model.read(write.key)
        if former and seen.epoch % 2:
            seen = former.fence
        if write.record.fence > seen:
            call = self.stores[at].replace(self.own_write(write), self.own_fence(seen))
            assert self.run(call) == self.model.replace(write, seen)

    @rule(at=st.integers(0, 1), key=keys, seen=fences, owner=owners)
    def take(self, at: int, key: StreamKey, seen: Fence, owner: str) -> None:
        self.take_seen(at, key, seen, owner)

    @rule(at=st.integers(0, 1), key=keys, owner=owners)
    def take_what_is_there(self, at: int, key: StreamKey, owner: str) -> None:
        if kept := self.model.read(key):
            self.take_seen(at, key, kept.fence, owner)

    def take_seen(self, at: int, key: StreamKey, seen: Fence, owner: str) -> None:
        call = self.stores[at].take(self.own(key), self.own_fence(seen), self.prefix + owner)
        expected = self.model.take(key, seen, owner)
        assert self.run(call) == (self.own_record(expected) if expected else None)

    @rule(at=st.integers(0, 1), key=keys, owner=owners)
    def claim(self, at: int, key: StreamKey, owner: str) -> None:
        self.run(self.stores[at].claim(self.own(key), self.prefix + owner))
        self.model.claim(key)

    @precondition(lambda self: not isinstance(self.place, RedisPlace))
    @rule()
    def pass_time(self) -> None:
        self.run(self.place.pass_time(10.0))
        self.model.now += 10.0

    @invariant()
    def everything_is_as_in_the_model(self) -> None:
        self.run(self.compare())

    async def compare(self) -> None:
        for at, key in enumerate(self.model.records):
            kept = await self.stores[at % 2].read(self.own(key))
            expected = self.model.read(key)
            assert kept == (self.own_record(expected) if expected else None)
        for at, owner in enumerate(("p", "q", "pp")):
            claimed = await self.stores[at % 2].claimed(self.prefix + owner)
            assert sorted(claimed) == [self.own(key) for key in self.model.claimed(owner)]
        for at, namespace in enumerate(("", "n")):
            listed = await self.stores[at].list(self.prefix + namespace, "", 10)
            expected_list = self.model.list(namespace)
            assert listed == [one._replace(key=self.own(one.key)) for one in expected_list]


def test_a_store_does_what_a_dictionary_does(place: Place) -> None:
    with asyncio.Runner() as runner:
        machine = type("Here", (Stores,), {"place": place, "runner": runner})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=40,
                stateful_step_count=20,
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow],
            ),
        )
