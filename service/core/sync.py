"""Sync: outputs that wait until the state behind them is in the store."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from service.core.errors import ServiceError
from service.core.steps import Answer, Output
from service.core.streams import Owner


class SyncOwner:
    """An owner between a stream and its connection, which holds outputs back.

    Order is kept: what follows an output that waits, waits behind it.
    """

    def __init__(self, connection: Owner, on_waiting: Callable[[], None]) -> None:
        """`on_waiting` is called for each output that has to wait for the store."""
        self._connection = connection
        self._on_waiting = on_waiting
        self._durable_step = 0
        self._held: deque[Answer] = deque()

    def answer(self, answer: Answer) -> None:
        if self._is_durable(answer):
            if not self._held:
                self._connection.answer(answer)
                return
        else:
            self._on_waiting()
        self._held.append(answer)

    def durable(self, step: int) -> None:
        self._durable_step = step
        self._connection.durable(step)
        while self._held and self._is_durable(self._held[0]):
            self._connection.answer(self._held.popleft())

    def end(self, error: ServiceError) -> None:
        self._held.clear()
        self._connection.end(error)

    def leave(self, error: ServiceError) -> None:
        self._connection.leave(error)

    def _is_durable(self, answer: Answer) -> bool:
        return not isinstance(answer, Output) or answer.number < self._durable_step
