"""A stream, and who asks for one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple, Protocol

from service.core.errors import ServiceError
from service.core.lateness import LatePolicy
from service.core.lifecycle import State
from service.core.slots import Slot
from service.core.steps import Answer, Step


def hash_token(token: bytes) -> bytes:
    """What is kept of a token. It has 128 random bits, so a plain SHA-256 cannot be reversed."""
    return hashlib.sha256(token).digest()


class Owner(Protocol):
    """The connection that a stream is attached to."""

    def answer(self, answer: Answer) -> None:
        """Takes the answer to the oldest unanswered step of this connection."""

    def durable(self, step: int) -> None:
        """The steps before `step` are in the store."""

    def end(self, error: ServiceError) -> None:
        """Has lost the stream: nothing more will be answered."""

    def leave(self, error: ServiceError) -> None:
        """Is asked to go: once every accepted step is answered, with this error."""


class StreamKey(NamedTuple):
    """What a stream is known by; ids of different namespaces never meet."""

    namespace: str
    """Of the credential that the stream was opened with; "" without credentials."""
    id: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.id}" if self.namespace else self.id


class ModelKey(NamedTuple):
    name: str
    version: int

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"


class Mode(IntEnum):
    """How an open treats a living stream of the same id. Values as in stream.proto."""

    CREATE = 1
    RESUME = 2
    RESTART = 3
    RECONNECT = 4
    """Resume, unless another holder has opened the stream since."""


@dataclass(frozen=True, slots=True)
class OpenRequest:
    stream_id: str
    token: bytes
    mode: Mode
    model: str
    """May be empty on resume."""
    version: int | None = None
    """None: the newest, or on resume the one that the stream has."""
    late_policy: LatePolicy = LatePolicy.FLAG
    holder: bytes = b""
    """Tells one client from another one with the same token."""
    namespace: str = ""
    sync: bool = False
    """Whether each output waits until the state behind it is in the store."""
    rate_hz: float = 0.0
    """Timesteps a second that the client declares; 0: it does not say."""
    sequence: bool = False
    """Whether it is known by its id alone, of the form that `sequence_key` gives."""
    complete: bool = False
    """Whether it resumes from the store only what an owner let go of: no timestep is missing."""

    @property
    def key(self) -> StreamKey:
        return StreamKey(self.namespace, self.stream_id)

    @property
    def token_hash(self) -> bytes:
        return hash_token(self.token)

    @property
    def starts_anew(self) -> bool:
        """Whether it may begin a stream, and so needs a model."""
        return self.mode in (Mode.CREATE, Mode.RESTART)


class Fence(NamedTuple):
    """Who may write a stream's state: a later fence shuts out every earlier one.

    Two processes never hold the same fence, so that of two which both believe they own a
    stream one is refused.
    """

    epoch: int
    """From 1; a change of owner, and a change from outside, begin a new one."""
    owner: str
    """The process that began the epoch."""


UNFENCED = Fence(0, "")
"""Of a stream that is in no store."""


@dataclass(slots=True, eq=False)
class Stream:
    """One sequence through one model version."""

    key: StreamKey
    token_hash: bytes = field(repr=False)
    model: ModelKey
    late_policy: LatePolicy
    owner: Owner | None
    """None while detached."""
    holder: bytes = b""
    """Of the newest open."""
    fence: Fence = UNFENCED
    """Under which this process writes the stream to the store."""
    unsettled: bool = False
    """Whether the store may have it under a later fence of this process: a write that was not
    answered may have happened."""
    exact: bool = True
    """Whether its outputs are, to the last bit, those of a stream that was never moved."""
    rate_hz: float = 0.0
    """Timesteps a second that were declared."""
    slot: Slot | None = None
    """The lane's, from the start of the stream to its end."""
    pending: list[Step] = field(default_factory=list)
    """Accepted from the present owner, not yet in a batch."""
    waiting: bool = False
    """Whether it stands in its scheduler's queue."""
    expires: float = 0.0
    """When the state is given up, if still detached; seconds on the server's clock."""

    @property
    def id(self) -> str:
        return self.key.id

    @property
    def state(self) -> State:
        return State.DETACHED if self.owner is None else State.ATTACHED

    def hand_to(self, owner: Owner | None) -> None:
        """Steps still pending belong to the former connection, whose client sends them again."""
        self.owner = owner
        self.pending.clear()
