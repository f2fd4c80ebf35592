"""A stream of a fleet: what its client knows of it, and what it must be answered."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from service.core.model import Array
from stepwire.v1 import stream_pb2 as pb
from torture.diary import Account, Diary, account
from torture.promises import promised
from torture.witness import Observation, Witness

_TOKEN_BYTES = 16


@dataclass(eq=False)
class Member:
    witness: Witness
    """Whose model it runs on."""
    diary: Diary
    policy: pb.LatePolicy.ValueType = pb.LATE_POLICY_FLAG
    late_every: int = 0
    """The last of each so many steps comes too late; 0: none does."""
    sync: bool = False
    home: object = None
    """Who is to have it; any other one has to let it go."""
    sent: int = 0
    """The steps before it may have run."""
    durable_step: int = 0
    """As its clients were told."""
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    token: bytes = field(default_factory=lambda: secrets.token_bytes(_TOKEN_BYTES))
    _refused: set[int] = field(default_factory=set)
    """Steps that were refused for being late: they come again with all the time there is."""

    @property
    def made(self) -> int:
        """Steps whose answers were heard."""
        return len(self.diary.seen)

    def opening(self, mode: pb.OpenMode.ValueType, holder: bytes) -> pb.Open:
        return pb.Open(
            model=self.witness.name if mode == pb.OPEN_MODE_CREATE else "",
            stream_id=self.id,
            token=self.token,
            mode=mode,
            holder=holder,
            late_policy=self.policy,
            sync=self.sync,
        )

    def input(self, step: int) -> bytes:
        return self.witness.input(self.diary.number, step).tobytes()

    def is_late(self, step: int) -> bool:
        """Whether the step is sent with its budget spent."""
        last = self.late_every - 1
        return bool(self.late_every) and step % self.late_every == last and not self._again(step)

    def _again(self, step: int) -> bool:
        return step in self._refused

    def is_held(self, step: int) -> bool:
        return step > 0 and self.policy == pb.LATE_POLICY_HOLD and self.is_late(step)

    def verdict(self, step: int) -> pb.Verdict.ValueType:
        """That the step must get, if it gets any."""
        if not self.is_late(step):
            return pb.VERDICT_ON_TIME
        return pb.VERDICT_HELD if self.is_held(step) else pb.VERDICT_LATE

    def refuse_late(self, step: int) -> None:
        self._refused.add(step)

    def note(self, step: int, seen: Observation, verdict: int) -> None:
        """Raises PromiseBroken where the answer cannot be right; `account_of` tells the rest."""
        ran_late = self.policy == pb.LATE_POLICY_REJECT and self.is_late(step)
        promised(
            verdict == self.verdict(step) and not ran_late,
            f"step {step} of stream {self.id} has verdict {verdict} under policy {self.policy}",
        )
        if step < self.made:
            promised(
                seen == self.diary.seen[step],
                f"step {step} was answered by {self.diary.seen[step]}, and again by {seen}",
            )
            return
        promised(step == self.made, f"step {step} was answered before step {self.made}")
        self.diary.note(seen, now=time.monotonic())

    def learn_durable(self, step: int) -> None:
        promised(
            step <= self.sent, f"{step} steps are durable of a stream that was sent {self.sent}"
        )
        self.durable_step = max(self.durable_step, step)


_POLICIES = (pb.LATE_POLICY_FLAG, pb.LATE_POLICY_REJECT, pb.LATE_POLICY_HOLD)
_LATE_EVERY = 5


def mixed(witnesses: Sequence[Witness], numbers: Iterable[int], *, sync: int = 0) -> list[Member]:
    """Members of all models and late policies. `sync`: each so many of them is; 0: none."""
    return [
        Member(
            witnesses[number % len(witnesses)],
            Diary(number),
            _POLICIES[number % len(_POLICIES)],
            _LATE_EVERY,
            sync=bool(sync) and number % sync == 0,
        )
        for number in numbers
    ]


def account_of(members: Sequence[Member]) -> Account:
    """Compares what the members were given with undisturbed runs of what was not held.

    A held step must give the answer before it again, and take no effect.
    """
    found = [
        _account_of_model(witness, [each for each in members if each.witness is witness])
        for witness in {member.witness: None for member in members}
    ]
    return total(found)


def total(accounts: Sequence[Account]) -> Account:
    """Of streams that are in one of them each."""
    return Account(
        sum(each.steps for each in accounts),
        sum(each.lost for each in accounts),
        sum(each.doubled for each in accounts),
        sum(each.different for each in accounts),
    )


def _account_of_model(witness: Witness, members: Sequence[Member]) -> Account:
    ran = {each.diary.number: _steps(each, held=False) for each in members}
    diaries = [
        Diary(each.diary.number, [each.diary.seen[step] for step in ran[each.diary.number]])
        for each in members
    ]

    def inputs(number: int, place: int) -> Array:
        return witness.input(number, ran[number][place])

    done = account(witness, diaries, inputs)
    held = [(each.diary.seen, step) for each in members for step in _steps(each, held=True)]
    wrong = sum(seen[step] != seen[step - 1] for seen, step in held)
    return Account(done.steps + len(held), done.lost, done.doubled, done.different + wrong)


def _steps(member: Member, *, held: bool) -> list[int]:
    return [step for step in range(member.made) if member.is_held(step) is held]
