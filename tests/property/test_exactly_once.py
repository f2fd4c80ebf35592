"""Client and server over a connection that is cut anywhere: each timestep takes effect once."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.api import messages
from service.core.directory import Directory
from service.core.streams import Mode
from stepwire import errors
from stepwire.sequence import Sequence, Timestep
from stepwire.v1 import stream_pb2 as pb
from tests.fakes import MODEL, WINDOW, Connection, accumulator_lane, number, request, value


@dataclass
class Caller:
    """One call of `step`."""

    x: float
    result: float | errors.StepwireError | None = None

    def succeed(self, output: pb.Output) -> None:
        assert self.result is None
        self.result = value(output.outputs[0])

    def fail(self, error: errors.StepwireError) -> None:
        assert self.result is None
        self.result = error


class Wire:
    """A client's sequence and a server's lane, with what is under way between them."""

    def __init__(self) -> None:
        self.callers: list[Caller] = []
        self.sequence = Sequence()
        self.lane = accumulator_lane()
        self.directory = Directory(limit=1, idle_limit=60.0)
        self.up: deque[pb.StreamRequest] = deque()
        self.down: deque[pb.StreamResponse] = deque()
        self.connection = Connection()
        opening = self.directory.open(request(), MODEL, self.connection)
        self.stream = opening.stream
        self.lane.start(self.stream)
        self.sequence.opened(0, None)

    def step(self, x: float) -> None:
        if sum(caller.result is None for caller in self.callers) < WINDOW:
            caller = Caller(x)
            self.callers.append(caller)
            step = pb.Step(inputs=[number(x)])
            self.sequence.add(Timestep(step, 0.0, caller.succeed, caller.fail))

    def send(self) -> None:
        if timestep := self.sequence.take_unsent():
            self.up.append(timestep.message(now=0.0))

    def arrive(self) -> None:
        if self.up:
            self.lane.submit(self.stream, messages.step(self.up.popleft().step, received=0.0))

    def turn(self) -> None:
        for owner, answer in self.lane.turn(lambda: 0.0):
            if owner is self.connection:
                self.down.append(messages.answer(answer, 0))

    def hear(self) -> None:
        if self.down:
            message = self.down.popleft()
            if message.WhichOneof("event") == "output":
                self.sequence.on_output(message.output)
            else:
                self.sequence.on_error(message.error)

    def cut(self) -> None:
        """The connection breaks with whatever is under way, and is resumed."""
        self.up.clear()
        self.down.clear()
        self.directory.detach(self.stream, self.connection, now=0.0)
        self.connection = Connection()
        self.directory.open(request(mode=Mode.RESUME), None, self.connection)
        self.sequence.resumed(self.lane.next_step(self.stream))

    def finish(self) -> None:
        for _ in range(10 * len(self.callers) + 10):
            self.send()
            self.arrive()
            self.turn()
            self.hear()


EVENTS = ("send", "arrive", "turn", "hear", "cut")
GOOD = st.integers(-100, 100).map(float)
BAD = st.sampled_from([float("nan"), float("inf"), float("-inf")])


@given(st.lists(st.sampled_from(EVENTS) | GOOD | BAD, max_size=80))
def test_each_timestep_takes_effect_once_whatever_is_cut(events: list[str | float]) -> None:
    wire = Wire()
    for event in events:
        if isinstance(event, float):
            wire.step(event)
        else:
            getattr(wire, event)()
    wire.finish()
    total, accepted = 0.0, 0
    for caller in wire.callers:
        if np.isfinite(caller.x):
            total += caller.x
            accepted += 1
            assert caller.result == total
        else:
            assert isinstance(caller.result, errors.InvalidInput)
    assert wire.lane.next_step(wire.stream) == wire.sequence.next_step == accepted
