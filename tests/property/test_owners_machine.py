"""Servers that share a store over lines that break: one history becomes durable."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from collections.abc import Coroutine, Mapping
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from service.core.errors import ServiceError
from service.core.model import Array
from service.core.streams import Mode, StreamKey
from service.lanes.lane import Lane
from service.runtime.accumulator import accumulator_signature
from service.runtime.stepper import Stepper
from tests.fakes import MODEL, WINDOW, Connection, request
from tests.replicas import Replica, Session, Shared
from tests.virtual_time import VirtualLoop

REPLICAS = 3
INTERVAL = 0.1
TAKEOVER = 0.5
KEY = StreamKey("", "robot")
PRIME = 16381
INVERSE_OF_8 = pow(8, -1, PRIME)


@dataclasses.dataclass(eq=False)
class Client:
    """A connection, with what it sent and knows."""

    replica: Replica
    session: Session
    sync: bool
    begins: int
    """The step it went on from."""
    before: float | None = None
    """The state that it found, once its first output tells."""
    sent: list[float] = dataclasses.field(default_factory=list)

    @property
    def connection(self) -> Connection:
        return self.session.connection

    @property
    def lives(self) -> bool:
        return self.connection.ended is None


def mixed(state: float, x: float) -> float:
    """Tells which inputs are in it, and in which order; exact in float32."""
    return (8 * state + x) % PRIME


def mix(feeds: Mapping[str, Array]) -> list[Array]:
    state = (8 * feeds["sum"] + feeds["x"]) % np.float32(PRIME)
    return [state, state]


def lane() -> Lane:
    stepper = Stepper(mix, accumulator_signature())
    return Lane(MODEL, "digest", stepper, window=WINDOW, max_batch=8)


class Owners(RuleBasedStateMachine):
    """Every input is another one, so that an output tells its history."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=VirtualLoop)
        self.store = Shared()
        self.inputs = itertools.count(1)
        self.clients: list[Client] = []
        self.saved: dict[int, float] = {0: 0.0}
        """Per step that a client was told is durable: the state before it."""

    def teardown(self) -> None:
        async def nothing_left() -> None:
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

        self.runner.run(nothing_left())
        self.runner.close()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        found = self.runner.run(work)
        self.check()
        return found

    @initialize()
    def begin(self) -> None:
        async def made() -> list[Replica]:
            return [
                Replica(self.store, lane=lane(), interval=INTERVAL, takeover_wait=TAKEOVER)
                for _ in range(REPLICAS)
            ]

        self.replicas = self.run(made())
        self.open(0, Mode.CREATE, sync=False)

    @rule(index=st.integers(0, REPLICAS - 1), sync=st.booleans())
    def resume(self, index: int, sync: bool) -> None:
        self.open(index, Mode.RESUME, sync)

    def open(self, index: int, mode: Mode, sync: bool) -> None:
        replica = self.replicas[index]
        asked = dataclasses.replace(request(mode=mode), sync=sync)
        try:
            session = self.run(replica.open(asked))
        except ServiceError:
            assert replica.line.cut, "only a server without a store may refuse"
            return
        self.clients.append(Client(replica, session, sync, session.opened.next_step))

    @precondition(lambda self: any(client.lives for client in self.clients))
    @rule(data=st.data(), steps=st.integers(1, 3))
    def step(self, data: st.DataObject, steps: int) -> None:
        client = data.draw(st.sampled_from([each for each in self.clients if each.lives]))

        async def send() -> None:
            for _ in range(steps):
                x = float(next(self.inputs) % PRIME)
                client.sent.append(x)
                client.session.send(x)
            for _ in range(steps + 1):
                await asyncio.sleep(0)

        self.run(send())

    @rule(index=st.integers(0, REPLICAS - 1), cut=st.booleans())
    def cut(self, index: int, cut: bool) -> None:
        self.replicas[index].line.cut = cut

    @rule(seconds=st.sampled_from([INTERVAL / 2, 2 * INTERVAL, TAKEOVER, 4 * TAKEOVER]))
    def wait(self, seconds: float) -> None:
        self.run(asyncio.sleep(seconds))

    @rule(index=st.integers(0, REPLICAS - 1))
    def crash(self, index: int) -> None:
        """The process is gone; another one comes up in its place."""
        gone = self.replicas[index]
        gone.line.cut = True

        async def made() -> Replica:
            return Replica(self.store, lane=lane(), interval=INTERVAL, takeover_wait=TAKEOVER)

        self.clients = [client for client in self.clients if client.replica is not gone]
        self.replicas[index] = self.run(made())

    def check(self) -> None:
        for client in self.clients:
            self.check_outputs(client)
        for client in self.clients:
            self.check_durable(client)

    def check_outputs(self, client: Client) -> None:
        """Each answer counts exactly the inputs of its own connection, onto what was saved."""
        outputs = client.session.totals
        if not outputs:
            return
        if client.before is None:
            client.before = self.found_by(client)
        expected = itertools.accumulate(client.sent, mixed, initial=client.before)
        assert outputs == list(itertools.islice(expected, 1, len(outputs) + 1))
        # A server without a store lets a client join what only that server has, and says so.
        if client.begins <= client.session.opened.durable_step and client.begins in self.saved:
            assert client.before == self.saved[client.begins]

    def found_by(self, client: Client) -> float:
        """The state before its first output."""
        first, x = client.session.totals[0], client.sent[0]
        return (first - x) * INVERSE_OF_8 % PRIME

    def check_durable(self, client: Client) -> None:
        """What was once told to be durable is never lost and never another."""
        durable = client.connection.durable_step
        outputs = client.session.totals
        for step in range(client.begins, min(durable, client.begins + len(outputs)) + 1):
            before = client.before if step == client.begins else outputs[step - client.begins - 1]
            if before is not None:
                assert self.saved.setdefault(step, before) == before
        record = self.store.record(KEY)
        assert record and record.checkpoint
        assert record.step >= durable
        if client.sync:
            assert len(outputs) <= max(0, durable - client.begins)


Owners.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestOwners = Owners.TestCase
