"""The place of a stream on a call of a fleet: what is asked of it, and under way."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Set
from dataclasses import dataclass, field

from stepwire.v1 import stream_pb2 as pb
from torture.member import Member
from torture.promises import promised
from torture.witness import Observation

_HOLDER_BYTES = 8
_BEHIND_A_REFUSED_ONE = frozenset({pb.StepError.CODE_STEP_GAP})
_OVERFULL = frozenset({pb.StepError.CODE_RESOURCE_EXHAUSTED, pb.StepError.CODE_STEP_GAP})


@dataclass(frozen=True, slots=True)
class Entry:
    """A step of one stream in a message, and the answers that it may get."""

    number: int
    data: bytes
    late: bool = False
    """Whether its budget is spent when it is sent."""
    verdict: int = 0
    """Of its answer, where that was heard before."""
    sound: bool = True
    """Whether it is the step that its stream is to make next."""
    answered: bool = True
    """Whether it may get an output."""
    misshapen: bool = False
    """Whether the arrays of its message have a wrong size."""
    errors: Set[int] = frozenset()
    """Codes that it may get."""


@dataclass(eq=False)
class Seat:
    """Of one fleet, and of every call of it."""

    member: Member
    goal: int
    """Steps to make."""
    mode: pb.OpenMode.ValueType
    leave: bool | None = None
    """What then: None: stay; True: close the stream; False: detach it."""
    overfill: int = 1
    """How many windows may be under way; more than one: the server refuses some of them."""
    closing: bool = False
    """Whether the server was asked to close the stream, on whatever call."""
    holder: bytes = field(default_factory=lambda: secrets.token_bytes(_HOLDER_BYTES))
    handle: int | None = None
    asked: bool = False
    """Whether the stream was opened on this call."""
    leaving: bool = False
    """Whether it was asked to leave this call."""
    window: int = 0
    _cursor: int = 0
    _refused: bool = False
    _unanswered: deque[Entry] = field(default_factory=deque)

    def __str__(self) -> str:
        numbers = [entry.number for entry in self._unanswered]
        return f"stream {self.member.id} is at {self.member.made} of {self.goal}, without {numbers}"

    @property
    def unanswered(self) -> int:
        return len(self._unanswered)

    @property
    def is_behind(self) -> bool:
        """Whether there is anything to say or to hear before it has what was asked of it."""
        is_home = self.handle is not None and self.member.made >= self.goal
        return not is_home or self._refused or self.leave is not None or self.unanswered > 0

    @property
    def may_leave(self) -> bool:
        """All its steps are sent, and will be answered."""
        unsaid = self._cursor < self.goal or self._refused
        return self.handle is not None and not (self.leave is None or self.leaving or unsaid)

    def begin_again(self) -> None:
        """The call is over. An open whose answer was not heard is sent again as it was."""
        if self.handle is not None:
            self.mode = pb.OPEN_MODE_RECONNECT
        self.handle = None
        self.asked = self.leaving = self._refused = False
        self._unanswered.clear()

    def open(self, handle: int, opened: pb.Opened) -> None:
        """Its client goes on from what it has not heard, or what the server has lost."""
        self.handle, self.window = handle, opened.window
        self._cursor = min(opened.next_step, self.member.made)

    def due(self) -> Entry | None:
        """The step to send next, if there is one, and room for it."""
        full = self.unanswered >= self.window * self.overfill
        if self.handle is None or self.leaving or self._refused or full:
            return None
        return self._sound(self._cursor) if self._cursor < self.goal else None

    def _sound(self, step: int) -> Entry:
        member = self.member
        errors = _OVERFULL if self.overfill > 1 else frozenset()
        if member.is_late(step) and member.policy == pb.LATE_POLICY_REJECT:
            errors |= {pb.StepError.CODE_STEP_LATE}
        return Entry(
            step,
            member.input(step),
            late=member.is_late(step),
            verdict=member.verdict(step) if step < member.made else 0,
            errors=errors,
        )

    def say(self, entry: Entry) -> None:
        self._unanswered.append(entry)
        if entry.sound:
            self._cursor = entry.number + 1
            self.member.sent = max(self.member.sent, self._cursor)

    def hear(self, step: int, seen: Observation, verdict: int) -> None:
        """Raises PromiseBroken."""
        entry = self._oldest(step)
        promised(entry.answered, f"a step {step} that is none was answered by {seen}")
        self.member.note(step, seen, verdict)
        self._go_on()

    def hear_error(self, error: pb.StepError) -> None:
        """Raises PromiseBroken."""
        entry = self._refused_unread(error) or self._oldest(error.step)
        promised(
            self._may_get(entry, error),
            f"step {entry.number} of stream {self.member.id}, sound: {entry.sound}, was refused as "
            f"{error.code}: {error.message}",
        )
        if error.code == pb.StepError.CODE_STEP_LATE:
            self.member.refuse_late(error.step)
        self._refused |= entry.sound
        self._go_on()

    def _may_get(self, entry: Entry, error: pb.StepError) -> bool:
        behind = _BEHIND_A_REFUSED_ONE if self._refused else frozenset()
        return entry.number == error.step and error.code in entry.errors | behind

    def _refused_unread(self, error: pb.StepError) -> Entry | None:
        """An entry that may have been refused before those that were sent before it."""
        if self._unanswered and self._may_get(self._unanswered[0], error):
            return None
        for entry in self._unanswered:
            beyond = error.code == pb.StepError.CODE_RESOURCE_EXHAUSTED
            if self._may_get(entry, error) and (beyond or entry.misshapen):
                self._unanswered.remove(entry)
                return entry
        return None

    def _oldest(self, step: int) -> Entry:
        promised(self.unanswered > 0, f"step {step}, which was answered before, is answered")
        entry = self._unanswered.popleft()
        promised(entry.number == step, f"step {step} was answered before step {entry.number}")
        return entry

    def _go_on(self) -> None:
        """What was in flight behind a refused step comes again once all of it is refused."""
        if self._refused and not self._unanswered:
            self._refused = False
            self._cursor = self.member.made
