"""What every state store does; its contract is tests/conformance/test_store.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from service.core.checkpoint import Checkpoint, Fence
from service.core.streams import StreamKey


class StoreUnavailable(Exception):
    """The store did not answer, or not in time. What was asked may or may not have happened."""


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

    Records are ordered by (epoch, owner, step): a store never replaces one by an earlier
    one, and so a process that lost a stream cannot overwrite its successor.
    """

    durable: bool
    """Whether what it keeps outlives this process."""

    async def read(self, key: StreamKey) -> Record | None:
        """The record, of an ended stream too; None where there is none or its time is up."""

    async def create(self, write: Write) -> bool:
        """Stores a new stream. False, and nothing done, if a living one has the key.

        False too if an ended one has a fence that is not below the new one.
        """

    async def write(self, writes: Sequence[Write]) -> list[bool]:
        """Stores records all in one round; False for each whose fence or step is past.

        A record that replaces one of the same fence and step counts as stored. Storing takes
        a claim of the former epoch away; storing a released record takes any claim away.
        """

    async def take(self, key: StreamKey, seen: Fence, owner: str) -> Record | None:
        """Makes `owner` the stream's owner, in the epoch after `seen`; returns its record.

        None, and nothing done, if the stream's fence is no longer `seen` or it has ended.
        """

    async def claim(self, key: StreamKey, owner: str) -> None:
        """Asks the owner of a living stream to let go of it in favour of `owner`."""

    async def claimed(self, owner: str) -> list[StreamKey]:
        """The streams of `owner` that others ask for."""

    async def list(self, namespace: str, after: str, limit: int) -> list[Listed]:
        """Living streams of a namespace, by id, from the one behind `after`."""

    async def close(self) -> None:
        """Lets go of connections and files."""
