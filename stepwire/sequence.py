"""The client's half of a stream, without I/O: numbers, what is unanswered, what to send.

The server answers every step of a connection in order, so answers are matched by
position. An error does not consume its number: the steps behind it move up by one and
are sent again, and the gaps that the server reports for their first sending are dropped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from stepwire import errors
from stepwire.v1 import stream_pb2 as pb


@dataclass(slots=True, eq=False)
class Timestep:
    """A step that has its number and no answer yet."""

    step: pb.Step
    """Inputs and budget; number and age are set when it is sent."""
    created: float
    """Seconds, on the clock that `message` is given."""
    succeed: Callable[[pb.Output], None]
    fail: Callable[[errors.StepwireError], None]
    number: int = 0

    def message(self, now: float) -> pb.StreamRequest:
        self.step.step = self.number
        if self.step.HasField("budget_us"):
            self.step.age_us = round((now - self.created) * 1e6)
        return pb.StreamRequest(step=self.step)


class Sequence:
    def __init__(self) -> None:
        self.next_step = 0
        """The number that the next timestep takes."""
        self._known_to_have_run = 0
        """The server's next step at the opening, where that is ahead."""
        self._unanswered: deque[Timestep] = deque()
        self._unsent: deque[Timestep] = deque()
        self._sent: deque[Timestep | None] = deque()
        """On this connection, in order; None: renumbered since."""

    @property
    def unanswered(self) -> int:
        return len(self._unanswered)

    def add(self, timestep: Timestep) -> None:
        timestep.number = self.next_step
        self.next_step += 1
        self._unanswered.append(timestep)
        self._unsent.append(timestep)

    def take_unsent(self) -> Timestep | None:
        """The next timestep to send, taken as sent."""
        if not self._unsent:
            return None
        timestep = self._unsent.popleft()
        self._sent.append(timestep)
        return timestep

    def opened(self, server_next: int, from_step: int | None) -> None:
        """The stream is open: go on where the server stands, or at an older step.

        Raises StateLost if the server stands before `from_step`.
        """
        self.next_step = server_next if from_step is None else from_step
        self._known_to_have_run = server_next
        self.resumed(server_next)

    def fail(self, error: errors.StepwireError) -> None:
        """The stream is over: nothing will be answered."""
        while self._unanswered:
            self._unanswered.popleft().fail(error)

    def resumed(self, server_next: int) -> None:
        """The connection is a new one: everything unanswered is sent again.

        Raises StateLost or StepConflict where the server cannot go on from there.
        """
        oldest = self._unanswered[0].number if self._unanswered else self.next_step
        if server_next < oldest:
            raise errors.StateLost(
                f"the server is at step {server_next} and step {oldest} was next: "
                "open a new stream and start over"
            )
        if server_next > max(self.next_step, self._known_to_have_run):
            raise errors.StepConflict(
                f"another connection has advanced the stream to step {server_next}: resume it anew",
                self.next_step,
                server_next,
            )
        self._sent.clear()
        self._unsent = deque(self._unanswered)

    def on_output(self, output: pb.Output) -> None:
        timestep = self._sent.popleft()
        if timestep is None:
            return
        self._unanswered.popleft()
        timestep.succeed(output)

    def on_error(self, error: pb.StepError) -> None:
        timestep = self._sent.popleft()
        if timestep is None:
            return
        self._unanswered.popleft()
        if error.code not in (pb.StepError.CODE_STEP_CONFLICT, pb.StepError.CODE_STEP_TOO_OLD):
            self._move_up()
        timestep.fail(errors.from_step(error))

    def _move_up(self) -> None:
        for timestep in self._unanswered:
            timestep.number -= 1
        self.next_step -= 1
        self._sent = deque([None] * len(self._sent))
        self._unsent = deque(self._unanswered)
