"""What differs between protocols that give each stream a call of its own."""

from __future__ import annotations

import abc
from typing import Generic, NamedTuple, TypeVar

from loadtest.talkers.talker import Answer, Served
from stepwire.call import Call

Request = TypeVar("Request")
Response = TypeVar("Response")


class Greeted(NamedTuple):
    window: int
    served: Served


class Dialect(abc.ABC, Generic[Request, Response]):
    """Of one stream."""

    @abc.abstractmethod
    async def begin(self) -> Call[Request, Response]:
        """A call for the stream, which starts at step 0. Raises a StepwireError."""

    @abc.abstractmethod
    async def greet(self, call: Call[Request, Response]) -> Greeted:
        """What comes before the first step. Raises a StepwireError."""

    @abc.abstractmethod
    def step(self, number: int) -> Request: ...

    @abc.abstractmethod
    def read(self, response: Response) -> Answer | None:
        """What became of the oldest unanswered step; None if the message is not about one."""

    @abc.abstractmethod
    def goodbye(self) -> Request:
        """Ends the sequence."""
