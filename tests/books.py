"""What servers have said of streams that were changed from outside, and may have meant by it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from service.core.errors import (
    ServiceError,
    StoreDown,
    StreamExists,
    StreamNotFound,
    TooManyStreams,
)
from tests.replicas import Session


class At(NamedTuple):
    """The state of a stream."""

    step: int
    total: float


START = At(0, 0.0)
Life = At | None
"""None: there is no such stream."""


@dataclass
class Book:
    """What must be true of one stream."""

    life: Life = None
    past: set[At] = field(default_factory=set)
    """Every state it was in since all was known to be saved."""
    client: Session | None = None
    sent: list[float] = field(default_factory=list)
    seen: int = 0

    def becomes(self, life: Life) -> None:
        self.life = life
        if life:
            self.past = self.past | {life}

    def follow(self, client: Session) -> None:
        self.client, self.sent, self.seen = client, [], 0

    def read_answers(self) -> None:
        """Takes those that came since into the book; each counts one input onto the others."""
        if not self.client:
            return
        for x, got in zip(self.sent[self.seen :], self.client.totals[self.seen :], strict=False):
            assert self.life
            self.becomes(At(self.life.step + 1, self.life.total + x))
            assert self.life and got == self.life.total
            self.seen += 1
        assert not self.client.connection.errors
        if self.client.connection.ended:
            self.client = None


class Deed(NamedTuple):
    """Something done to a stream, from outside or by a client that opens it."""

    kind: str
    at: int
    """Which server is asked."""
    target: str
    """Where a fork goes."""
    given: At
    """What a put sets."""
    keeps: bool
    """Whether a put keeps the step."""


class Outcome(NamedTuple):
    """Of a deed: what it said, or why it was refused."""

    deed: Deed
    said: Any
    error: ServiceError | None


class Books:
    """One for each stream."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._books = {stream_id: Book() for stream_id in ids}

    def __getitem__(self, stream_id: str) -> Book:
        return self._books[stream_id]

    def __iter__(self) -> Iterator[Book]:
        return iter(self._books.values())

    def lives(self) -> dict[str, At]:
        return {stream_id: book.life for stream_id, book in self._books.items() if book.life}

    def explain(
        self, stream_id: str, outcomes: Sequence[Outcome], after: dict[str, At] | None
    ) -> None:
        """Finds an order in which each outcome is right, and takes it into the books.

        `after`: the streams as they are then; None: nobody has looked.
        """
        before = {id_: (book.life, book.past) for id_, book in self._books.items()}
        for order in itertools.permutations(outcomes):
            right = all(self._is_right(stream_id, each) for each in order)
            if right and after in (None, self.lives()):
                return
            for id_, (life, past) in before.items():
                self._books[id_].life, self._books[id_].past = life, past
        raise AssertionError(f"{self._books[stream_id]} does not explain {outcomes}, {after}")

    def _is_right(self, stream_id: str, outcome: Outcome) -> bool:
        """Whether it may come next; takes it into the books if so."""
        deed, said, error = outcome
        book = self._books[stream_id]
        if deed.kind == "fork":
            return self._is_right_fork(book, outcome)
        if book.life is None:
            if deed.kind != "create":
                return isinstance(error, StreamNotFound)
            book.becomes(START)
            return bool(said and said.opened.next_step == 0)
        if deed.kind in ("resume", "create"):
            return bool(said and said.opened.next_step == book.life.step)
        if deed.kind == "delete":
            book.becomes(None)
        elif deed.kind == "reset":
            book.becomes(START)
        else:
            step = book.life.step if deed.keeps else deed.given.step
            book.becomes(At(step, deed.given.total))
            return bool(said == step)
        return error is None

    def _is_right_fork(self, book: Book, outcome: Outcome) -> bool:
        """Of a stream at another server it may copy an earlier state, as that was saved."""
        target = self._books[outcome.deed.target]
        if book.life is None and outcome.error:
            return isinstance(outcome.error, StreamNotFound)
        if target.life is not None:
            return isinstance(outcome.error, StreamExists)
        if outcome.said not in book.past:
            return False
        target.becomes(outcome.said)
        return True


def came_to_nothing(outcome: Outcome) -> bool:
    """Whether it was refused for want of room, or because others reached for the stream too."""
    if outcome.deed.kind == "create":
        return isinstance(outcome.error, ServiceError)
    return isinstance(outcome.error, TooManyStreams | StoreDown)
