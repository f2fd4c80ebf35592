"""What every state store does; its contract is tests/conformance/test_store*.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from service.core.checkpoint import Checkpoint
from service.core.streams import Fence, StreamKey

END = 2**53
"""Where the end of a stream stands among the steps of its fence: behind all of them.

Steps stay below it, so that a store that computes in doubles compares them exactly.
"""


class StoreRefused(ValueError):
    """What --store names cannot be a store; the message says why and what to do."""


class StoreUnavailable(Exception):
    """The store did not answer, or not in time. What was asked may or may not have happened."""


class CheckpointUnreadable(Exception):
    """The bytes of a checkpoint are damaged, or of a format that only a newer version reads."""


@dataclass(frozen=True, slots=True)
class Record:
    """A stream as a store has it."""

    fence: Fence
    token_hash: bytes
    checkpoint: Checkpoint | None
    """None: the stream has ended. The record stays a while to fence late writers out."""
    released: bool = False
    """Whether its owner has let it go, so that anyone may take it at once."""

    @property
    def step(self) -> int:
        return self.checkpoint.next_step if self.checkpoint else 0

    @property
    def order(self) -> tuple[int, str, int]:
        """Its place among the records of its stream: a later one replaces it."""
        return *self.fence, self.checkpoint.next_step if self.checkpoint else END


class Write(NamedTuple):
    key: StreamKey
    record: Record
    keep_for: float
    """Seconds from now after which the store may forget the record."""


class Listed(NamedTuple):
    """A living stream, as a listing shows it."""

    key: StreamKey
    model: str
    version: int
    step: int
    released: bool


class Store(Protocol):
    """Keeps the newest record of each stream. Every method may raise StoreUnavailable.

    Records are ordered by (epoch, owner, step), the end of a stream behind every step of its
    fence. A store never replaces one by an earlier one, and so a process that lost a stream
    cannot overwrite its successor. A record whose time is up is as if it had never been.

    A store that was emptied takes the records of live owners again, whatever their epoch.
    """

    durable: bool
    """Whether what it keeps outlives this process."""

    async def read(self, key: StreamKey) -> Record | None:
        """The record, of an ended stream too; None where there is none.

        Raises CheckpointUnreadable.
        """

    async def create(self, write: Write) -> bool:
        """Stores a new stream. False, and nothing done, if a living one has the key.

        False too if an ended one has a fence that is not below the new one.
        """

    async def write(self, writes: Sequence[Write]) -> list[bool]:
        """Stores records all in one round; False for each whose fence or step is past.

        A record that replaces one of the same fence and step counts as stored. Storing takes
        a claim of the former epoch away; storing a released or ended one takes any claim away.
        """

    async def replace(self, write: Write, seen: Fence) -> bool:
        """Stores a record under a fence after `seen`, in the place of one under `seen`, whatever
        its step. False, and nothing done, if the stream's fence is no longer `seen`. Where the
        store has no record of the stream, it takes this one.
        """

    async def take(self, key: StreamKey, seen: Fence, owner: str) -> Record | None:
        """Makes `owner` the stream's owner, in the epoch after `seen`; returns its record.

        It is not released and not claimed then, and its time runs on. None, and nothing
        done, if the stream's fence is no longer `seen` or it has ended. Raises
        CheckpointUnreadable, which `read` would have raised before.
        """

    async def claim(self, key: StreamKey, owner: str) -> None:
        """Asks the owner of a stream to let go of it in favour of `owner`.

        Nothing happens if there is no such stream, or it is ended or released.
        """

    async def claimed(self, owner: str) -> list[StreamKey]:
        """The streams of `owner` that are asked for, in no order."""

    async def list(self, namespace: str, after: str, limit: int) -> list[Listed]:
        """Living streams of a namespace, by the bytes of their ids, behind the id `after`.

        At most `limit` of them; an empty `after` begins the listing.
        """

    async def close(self) -> None:
        """Lets go of connections and files; nothing is called after it."""
