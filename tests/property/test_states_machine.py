"""Two servers that share a store, whose streams step, move and are changed from outside.

What happens at once must look as if it had happened one after another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from service.core.errors import ServiceError, StreamNotFound
from service.core.streams import Mode
from tests.books import At, Books, Deed, Outcome, came_to_nothing
from tests.fakes import request, value
from tests.outside import named, total, total_of
from tests.replicas import INTERVAL, Replica, Session, Shared
from tests.virtual_time import VirtualLoop

IDS = ("a", "b", "c")
ROOM = 2
"""Streams that a server keeps in memory: fewer than there are, so that some leave it."""

deeds = st.builds(
    Deed,
    st.sampled_from(["put", "reset", "delete", "fork", "resume", "create"]),
    st.integers(0, 1),
    st.sampled_from(IDS),
    st.builds(At, st.integers(0, 20), st.integers(0, 1000).map(float)),
    st.booleans(),
)


class States(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=VirtualLoop)
        self.store = Shared()
        self.books = Books(IDS)

    def teardown(self) -> None:
        async def nothing_left() -> None:
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

        self.runner.run(nothing_left())
        self.runner.close()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    @initialize()
    def begin(self) -> None:
        async def made() -> list[Replica]:
            return [Replica(self.store, limit=ROOM, takeover_wait=60.0) for _ in range(2)]

        self.replicas = self.run(made())

    @rule(stream_id=st.sampled_from(IDS), xs=st.lists(st.integers(1, 9), max_size=3))
    def send(self, stream_id: str, xs: list[int]) -> None:
        """Without waiting for the answers: what comes next meets them under way."""
        book = self.books[stream_id]
        book.read_answers()

        async def send(client: Session) -> None:
            for x in xs:
                client.send(float(x))
                book.sent.append(float(x))

        if book.client:
            self.run(send(book.client))
            book.read_answers()

    @rule(stream_id=st.sampled_from(IDS), close=st.booleans())
    def leave(self, stream_id: str, close: bool) -> None:
        book = self.books[stream_id]

        async def leave() -> None:
            assert book.client
            book.client.close() if close else book.client.detach()

        if book.client:
            self.run(leave())
            book.read_answers()
            if close and book.client:
                book.becomes(None)
            book.client = None

    @rule(turns=st.integers(0, 5))
    def turn(self, turns: int) -> None:
        async def turn() -> None:
            for _ in range(turns):
                await asyncio.sleep(0)

        self.run(turn())

    @rule(stream_id=st.sampled_from(IDS), doing=st.lists(deeds, min_size=1, max_size=3))
    def do(self, stream_id: str, doing: list[Deed]) -> None:
        """All at once."""

        async def together() -> list[Outcome]:
            return await asyncio.gather(*(self.carry_out(stream_id, deed) for deed in doing))

        outcomes = self.run(together())
        book = self.books[stream_id]
        book.read_answers()
        happened = [each for each in outcomes if not came_to_nothing(each)]
        # Several orders may explain what was said, and but one of them what came of it.
        self.books.explain(stream_id, happened, self.settled() if len(doing) > 1 else None)
        sessions = [each.said for each in outcomes if isinstance(each.said, Session)]
        for session in sessions:
            if not session.connection.ended:
                book.follow(session)

    async def carry_out(self, stream_id: str, deed: Deed) -> Outcome:
        try:
            return Outcome(deed, await self.done(stream_id, deed), None)
        except ServiceError as error:
            return Outcome(deed, None, error)

    async def done(self, stream_id: str, deed: Deed) -> Any:
        replica = self.replicas[deed.at]
        states, which = replica.engine.states, named(stream_id)
        if deed.kind == "put":
            step = None if deed.keeps else deed.given.step
            return await states.put(which, total(deed.given.total, step))
        if deed.kind == "reset":
            return await states.reset(which)
        if deed.kind == "delete":
            return await states.delete(which)
        if deed.kind == "fork":
            copy = await states.fork(which, request(deed.target))
            return At(copy.next_step, value(copy.states[0]))
        mode = Mode.RESUME if deed.kind == "resume" else Mode.CREATE
        return await replica.open(request(stream_id, mode))

    @rule()
    def compare(self) -> None:
        """Once all is saved both servers see what the books say."""
        seen = self.settled()
        for book in self.books:
            book.past = {book.life} if book.life else set()
        assert seen == self.books.lives()

    def settled(self) -> dict[str, At]:
        """The streams once all is saved; both servers see the same."""
        self.run(asyncio.sleep(10 * INTERVAL))
        for book in self.books:
            book.read_answers()
        seen: list[dict[str, At]] = [self.run(self.seen(each)) for each in self.replicas]
        assert seen[0] == seen[1]
        return seen[0]

    async def seen(self, replica: Replica) -> dict[str, At]:
        states = replica.engine.states
        found = {}
        for stream_id in IDS:
            try:
                seen = await states.get(named(stream_id))
                found[stream_id] = At(seen.next_step, total_of(seen))
            except StreamNotFound:
                pass
        listed = (await states.list("", "", 10, lambda model: True)).streams
        assert {each.id: each.next_step for each in listed} == {
            stream_id: at.step for stream_id, at in found.items()
        }
        return found


TestStates = States.TestCase
TestStates.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
