"""Client and server over a connection that is cut anywhere, and a server that crashes: each
timestep takes effect once, and its output is delivered once.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.api.native import messages
from service.core.directory import Directory
from service.core.lateness import LatePolicy
from stepwire import errors
from stepwire.history import History
from stepwire.sequence import Sequence, Timestep
from stepwire.v1 import stream_pb2 as pb
from tests.fakes import MODEL, WINDOW, Connection, accumulator_lane, number, request, turn_of, value

BUDGET = 1.0
SIGNATURE = pb.Signature(inputs=[pb.TensorSpec(name="x", dtype="float32", shape=[1])])
ROOM_FOR_TWO = 2 * (128 + 64 + 4)


@dataclass
class Caller:
    """One call of `step`."""

    x: float
    result: pb.Output | errors.StepwireError | None = None

    def answered(self, result: pb.Output | errors.StepwireError) -> None:
        assert self.result is None
        self.result = result


class Wire:
    """A client's sequence and a server's lane, with what is under way between them."""

    def __init__(
        self, *, durable: bool = False, policy: LatePolicy = LatePolicy.FLAG, keep: int = 2**20
    ) -> None:
        self.durable = durable
        self.policy = policy
        self.callers: list[Caller] = []
        self.sequence = Sequence(History(keep))
        self.lost: errors.StateLost | None = None
        self.up: deque[pb.StreamRequest] = deque()
        self.down: deque[pb.StreamResponse] = deque()
        self.boot()
        self.lane.start(self.stream)
        self.save()
        self.sequence.opened(self.opened(), None)

    def boot(self) -> None:
        """A server process that has nothing yet."""
        self.lane = accumulator_lane()
        self.connection = Connection()
        opening = Directory(limit=1, idle_limit=60.0).open(
            replace(request(), late_policy=self.policy), MODEL, self.connection
        )
        self.stream = opening.stream

    def opened(self) -> pb.Opened:
        return pb.Opened(
            next_step=self.lane.next_step(self.stream),
            durable=self.durable,
            durable_step=self.durable_step,
            version=1,
            signature=SIGNATURE,
        )

    @property
    def durable_step(self) -> int:
        return self.checkpoint.next_step if self.durable else 0

    def step(self, x: float) -> None:
        if self.sequence.unanswered < WINDOW and not self.lost:
            caller = Caller(x)
            self.callers.append(caller)
            inputs = (number(x),)
            timestep = Timestep(inputs, BUDGET, 0.0, caller.answered, caller.answered)
            self.sequence.add(timestep)

    def send(self) -> None:
        if timestep := self.sequence.take_unsent():
            self.up.append(timestep.message(now=0.0))

    def arrive(self) -> None:
        if self.up:
            self.lane.submit(self.stream, messages.step(self.up.popleft().step, received=0.0))

    def turn(self, now: float = 0.0) -> None:
        for owner, answer in turn_of(self.lane, now):
            if owner is self.connection:
                self.down.append(messages.answer(answer, self.durable_step))

    def turn_late(self) -> None:
        self.turn(now=2 * BUDGET)

    def go(self, now: float = 0.0) -> None:
        self.send()
        self.arrive()
        self.turn(now)
        self.hear()

    def go_late(self) -> None:
        self.go(now=2 * BUDGET)

    def hear(self) -> None:
        if not self.down:
            return
        message = self.down.popleft()
        event = message.WhichOneof("event")
        if event == "output":
            self.sequence.on_output(message.output)
        elif event == "error":
            self.sequence.on_error(message.error)
        else:
            self.sequence.on_durable(message.durable.durable_step)

    def save(self) -> None:
        [self.checkpoint] = self.lane.checkpoints([self.stream])

    def tell(self) -> None:
        self.down.append(messages.durable(self.durable_step))

    def cut(self) -> None:
        """The connection breaks with whatever is under way, and is resumed."""
        self.connection = Connection()
        self.stream.hand_to(self.connection)
        self.resume()

    def crash(self) -> None:
        """The server is gone, and another one goes on from what is in the store."""
        self.boot()
        self.lane.restore(self.stream, self.checkpoint)
        self.resume()

    def resume(self) -> None:
        self.up.clear()
        self.down.clear()
        try:
            self.sequence.resumed(self.opened())
        except errors.StateLost as error:
            self.lost = error
            self.sequence.fail(error)

    def play(self, events: list[str | float]) -> None:
        for event in events:
            if isinstance(event, float):
                self.step(event)
            elif not self.lost:
                getattr(self, event)()

    def finish(self) -> None:
        """One more step shows the state that all others have led to."""
        if self.lost:
            return
        self.settle()
        self.step(0.0)
        self.settle()

    def settle(self) -> None:
        for _ in range(10 * len(self.callers) + 10):
            self.go()

    def check(self) -> None:
        """Every caller has the answer of an undisturbed run, given the verdicts."""
        total = held = 0.0
        accepted = 0
        for caller in self.callers:
            result = caller.result
            if isinstance(result, pb.Output):
                if result.verdict != pb.VERDICT_HELD:
                    total = held = total + caller.x
                assert (result.step, value(result.outputs[0])) == (accepted, held)
                accepted += 1
            elif isinstance(result, errors.InvalidInput):
                assert not np.isfinite(caller.x)
            elif isinstance(result, errors.StepLate):
                assert self.policy is LatePolicy.REJECT
            else:
                assert result is self.lost is not None
        if not self.lost:
            assert self.lane.next_step(self.stream) == self.sequence.next_step == accepted


VALUES = (1.0, -2.0, 40.0, 0.5, float("nan"), float("inf"))
# What brings a step to its answer comes more often, or few would have one.
CUT = ("send", "arrive", "turn", "turn_late", "hear", "go", "go", "go", "go_late", "cut")
CRASH = (*CUT, "save", "tell", "crash")
POLICIES = st.sampled_from(LatePolicy)


def histories(events: tuple[str, ...]) -> st.SearchStrategy[list[str | float]]:
    return st.lists(st.sampled_from((*events, *VALUES)), min_size=40, max_size=120)


@given(histories(CUT), POLICIES)
def test_each_timestep_takes_effect_once_whatever_is_cut(
    events: list[str | float], policy: LatePolicy
) -> None:
    wire = Wire(policy=policy)
    wire.play(events)
    wire.finish()
    assert not wire.lost
    wire.check()


@given(histories(CRASH), POLICIES)
def test_a_crash_of_a_durable_server_loses_and_doubles_nothing(
    events: list[str | float], policy: LatePolicy
) -> None:
    wire = Wire(durable=True, policy=policy)
    wire.play(events)
    wire.finish()
    assert not wire.lost
    wire.check()


@given(histories(CRASH), POLICIES)
def test_a_crash_that_loses_anything_is_told_and_only_where_it_was_foretold(
    events: list[str | float], policy: LatePolicy
) -> None:
    wire = Wire(durable=True, policy=policy, keep=ROOM_FOR_TWO)
    for event in events:
        protected = wire.sequence.history.protected
        wire.play([event])
        if wire.lost:
            assert not protected
            break
    wire.finish()
    wire.check()
