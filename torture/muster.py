"""The streams of a raw fleet, as its server tells of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from stepwire.v1 import stream_pb2 as pb
from torture.fleet_wire import durable, rows
from torture.member import Member
from torture.promises import promised
from torture.seat import Seat

_PASSING = ("SERVER_DRAINING", "STORE_DOWN")
"""Why a stream may be refused that is opened again in a moment."""


class Muster:
    """Raises PromiseBroken for what the server should not have told."""

    def __init__(self, home: object, *, crashes: bool) -> None:
        """`home`: of its members. `crashes`: the server may lose what is not durable."""
        self._home = home
        self._crashes = crashes
        self.seats: dict[Member, Seat] = {}
        self._seated: dict[int, Seat] = {}
        """By handle."""
        self._tags: dict[int, Seat] = {}
        self._next_tag = 0
        self.going_away = False
        self.refused_for_now = False
        """Whether some stream is to be opened again in a moment."""
        self.to_answer_for: list[int] = []
        """Handles of streams that were lost, which the server has back when it is told so."""
        self.vacant: set[int] = set()
        """Handles of streams that have left this call."""
        self.closed: list[Member] = []
        self.detached: list[Member] = []
        self.taken: list[Member] = []
        """By others, who have them now."""
        self.refused: Counter[int] = Counter()
        """Entries that got an error, by its code."""
        self.unheard = 0
        """Steps that had run when a stream was opened again, and whose answers never came."""
        self.replayed = 0
        """Steps that were answered, and that a server had lost."""

    def at_home(self, seat: Seat) -> bool:
        """Whether nobody else is to have the stream."""
        return seat.member.home is self._home

    @property
    def is_behind(self) -> bool:
        """Whether anything is not as it was asked for."""
        return any(seat.is_behind or not self.at_home(seat) for seat in self.seats.values())

    @property
    def present(self) -> Sequence[Seat]:
        """Streams that have their handles and are to stay."""
        return [
            seat
            for seat in self.seats.values()
            if seat.handle is not None and seat.leave is None and self.at_home(seat)
        ]

    def begin_again(self) -> None:
        """The call is over: every stream is to be opened on the next one."""
        self.going_away = False
        for each in (self._seated, self._tags, self.to_answer_for, self.vacant):
            each.clear()
        for seat in self.seats.values():
            seat.begin_again()

    def opening(self, seats: Sequence[Seat]) -> pb.FleetOpen:
        """The message that asks for the streams."""
        members = []
        for seat in seats:
            seat.asked = True
            self._tags[self._next_tag] = seat
            request = seat.member.opening(seat.mode, seat.holder)
            members.append(pb.FleetMember(tag=self._next_tag, open=request))
            self._next_tag += 1
        return pb.FleetOpen(members=members)

    def hear(self, message: pb.FleetResponse) -> None:
        event = message.WhichOneof("event")
        if event == "outputs":
            for handle, step, seen, verdict in rows(message.outputs):
                self._seat(handle).hear(step, seen, verdict)
            self._hear_durable(message.outputs)
        elif event == "errors":
            self._hear_errors(message.errors)
        elif event == "opened":
            for member in message.opened.members:
                self._hear_opened(self._tags.pop(member.tag), member)
        elif event == "durable":
            self._hear_durable(message.durable)
        elif event == "left":
            self._hear_left(message.left)
        else:
            promised(event == "going_away", f"a fleet was told {event}")
            self.going_away = True

    def _seat(self, handle: int) -> Seat:
        promised(handle in self._seated, f"{handle}, which is nobody's handle, was answered")
        return self._seated[handle]

    def _hear_durable(self, told: pb.FleetOutputs | pb.FleetDurable) -> None:
        for handle, step in durable(told.handles, told.durable_steps):
            self._seat(handle).member.learn_durable(step)

    def _hear_errors(self, errors: pb.FleetErrors) -> None:
        for refused in errors.errors:
            self.refused[refused.error.code] += 1
            self._seat(refused.handle).hear_error(refused.error)

    def _hear_opened(self, seat: Seat, answer: pb.FleetMemberOpened) -> None:
        if answer.HasField("refused"):
            self._hear_refused(seat, answer.refused.error)
            return
        promised(
            answer.handle not in self._seated, f"handle {answer.handle} was given to two streams"
        )
        if self.at_home(seat):
            self._check(seat.member, answer.opened)
        self._seated[answer.handle] = seat
        self.vacant.discard(answer.handle)
        seat.open(answer.handle, answer.opened)

    def _check(self, member: Member, opened: pb.Opened) -> None:
        lossy = self._crashes and not member.sync
        least = member.durable_step if lossy else member.made
        promised(
            least <= opened.next_step <= member.sent and opened.exact,
            f"a stream that was sent {member.sent} steps, and has {least} for certain, was opened "
            f"at step {opened.next_step}, exact: {opened.exact}",
        )
        self.unheard += max(0, opened.next_step - member.made)
        self.replayed += max(0, member.made - opened.next_step)

    def _hear_refused(self, seat: Seat, error: str) -> None:
        if error in _PASSING:
            seat.asked, self.refused_for_now = False, True
            return
        self._let_go(seat, error)

    def _hear_left(self, left: pb.FleetLeft) -> None:
        seat = self._seat(left.handle)
        del self._seated[left.handle]
        error = left.refused.error
        promised(
            bool(error) or (seat.leaving and not seat.unanswered),
            f"a stream left by itself, with {seat.unanswered} steps unanswered",
        )
        if not error:
            self.vacant.add(left.handle)
        elif not seat.leaving:
            self.to_answer_for.append(left.handle)
        self._let_go(seat, error)

    def _let_go(self, seat: Seat, error: str) -> None:
        member = seat.member
        del self.seats[member]
        if not self.at_home(seat):
            promised(
                error in ("", "STREAM_TAKEN_OVER"), f"a stream that was taken over left: {error}"
            )
            self.taken.append(member)
            return
        was_closed = seat.leave if not error else seat.closing and error == "STREAM_NOT_FOUND"
        promised(was_closed or not error, f"a stream that nobody took was lost: {error}")
        member.home = None
        (self.closed if was_closed else self.detached).append(member)
