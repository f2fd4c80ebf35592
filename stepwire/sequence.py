"""The client's half of a stream, without I/O: numbers, what is unanswered, what to send.

The server answers every step of a connection in order, so answers are matched by
position. An error does not consume its number: the steps behind it move up by one and
are sent again, and the gaps that the server reports for their first sending are dropped.

A server that crashed may come back at an older step. What it has lost is replayed from the
history, and the outputs of that, which were delivered before, are dropped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from stepwire import errors
from stepwire.history import History, Replay
from stepwire.v1 import stream_pb2 as pb

_CONSUMING = (pb.StepError.CODE_STEP_CONFLICT, pb.StepError.CODE_STEP_TOO_OLD)
"""The errors that say that the step has run before."""


@dataclass(slots=True, eq=False)
class Timestep:
    """A step that has its number and no answer yet. Times in seconds."""

    inputs: tuple[bytes, ...]
    budget: float | None
    created: float
    """On the clock that `message` is given."""
    succeed: Callable[[pb.Output], None]
    fail: Callable[[errors.StepwireError], None]
    number: int = 0

    def message(self, now: float) -> pb.StreamRequest:
        # Filled in place: the constructor would take a finished step and copy it.
        request = pb.StreamRequest()
        step = request.step
        step.step = self.number
        step.inputs.extend(self.inputs)
        if self.budget is not None:
            step.budget_us = round(self.budget * 1e6)
            step.age_us = round((now - self.created) * 1e6)
        return request


class Sequence:
    def __init__(self, history: History) -> None:
        self.next_step = 0
        """The number that the next timestep takes."""
        self.history = history
        self._known_to_have_run = 0
        """The server's next step at the opening, where that is ahead."""
        self._version = 0
        self._unanswered: deque[Timestep] = deque()
        self._unsent: deque[Timestep | Replay] = deque()
        self._sent: deque[Timestep | Replay | None] = deque()
        """On this connection, in order; None: renumbered since."""

    @property
    def unanswered(self) -> int:
        return len(self._unanswered)

    @property
    def full(self) -> bool:
        """Whether another timestep could push one out of the history."""
        return self.history.full(len(self._unanswered))

    def add(self, timestep: Timestep) -> None:
        timestep.number = self.next_step
        self.next_step += 1
        self._unanswered.append(timestep)
        self._unsent.append(timestep)

    def take_unsent(self) -> Timestep | Replay | None:
        """What to send next, taken as sent."""
        if not self._unsent:
            return None
        timestep = self._unsent.popleft()
        self._sent.append(timestep)
        return timestep

    def opened(self, opened: pb.Opened, from_step: int | None) -> None:
        """The stream is open: go on where the server stands, or at an older step.

        Raises StateLost if the server stands before `from_step`.
        """
        self.next_step = opened.next_step if from_step is None else from_step
        self._known_to_have_run = opened.next_step
        self._version = opened.version
        self.history.begin(self.next_step)
        self.resumed(opened)

    def fail(self, error: errors.StepwireError) -> None:
        """The stream is over: nothing will be answered."""
        while self._unanswered:
            self._unanswered.popleft().fail(error)

    def resumed(self, opened: pb.Opened) -> None:
        """The connection is a new one: what its server has not run or not answered is sent.

        Raises StateLost or StepConflict where the server cannot go on from there.
        """
        server_next = opened.next_step
        self.history.connected(opened)
        if opened.version != self._version:
            # What the former version answered is no input to this one.
            self._version = opened.version
            self.history.drop_before(server_next)
        if server_next < self.history.first:
            raise errors.StateLost(
                f"the server is at step {server_next} and the inputs before step "
                f"{self.history.first} are not kept: open a new stream and start over"
            )
        if server_next > max(self.next_step, self._known_to_have_run):
            raise errors.StepConflict(
                f"another connection has advanced the stream to step {server_next}: resume it anew",
                self.next_step,
                server_next,
            )
        self._sent.clear()
        self._unsent = deque(self.history.since(server_next))
        self._unsent.extend(self._unanswered)

    def on_durable(self, step: int) -> None:
        if step > self.history.durable_step:
            self.history.saved(step)

    def on_output(self, output: pb.Output) -> None:
        timestep = self._sent.popleft()
        if isinstance(timestep, Timestep):
            self._unanswered.popleft()
            self.history.keep(timestep.inputs, output.verdict)
            timestep.succeed(output)
        if output.durable_step > self.history.durable_step:
            self.history.saved(output.durable_step)

    def on_error(self, error: pb.StepError) -> None:
        """Raises StateLost or StepConflict if the server does not take a replay."""
        timestep = self._sent.popleft()
        if timestep is None:
            return
        if isinstance(timestep, Replay):
            raise _not_replayed(error)
        self._unanswered.popleft()
        if error.code in _CONSUMING:
            self.history.skip()
        else:
            self._move_up()
        timestep.fail(errors.from_step(error))

    def _move_up(self) -> None:
        for timestep in self._unanswered:
            timestep.number -= 1
        self.next_step -= 1
        self._sent = deque([None] * len(self._sent))
        self._unsent = deque(self._unanswered)


def _not_replayed(error: pb.StepError) -> errors.StepwireError:
    if error.code == pb.StepError.CODE_STEP_CONFLICT:
        return errors.StepConflict(
            f"another client has run step {error.step} with other inputs since: resume it anew",
            error.step,
            error.next_step,
        )
    return errors.StateLost(
        f"the server has lost step {error.step} and refuses it now ({error.message}): "
        "open a new stream and start over"
    )
