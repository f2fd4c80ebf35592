"""The steps of one stream: those that are due and not sent, and those sent and not answered."""

from __future__ import annotations

from collections import deque

from loadtest.schedule import Arrival


class Backlog:
    def __init__(self) -> None:
        self.window = 0
        """How many may be unanswered at a time."""
        self._number = 0
        self._waiting: deque[Arrival] = deque()
        self._sent: deque[Arrival] = deque()
        self._again: int | None = None

    @property
    def ready(self) -> bool:
        """Whether a step may be sent.

        After an error that consumed no number, those sent behind it are refused too: the stream
        goes on where the server stands once all of them are answered.
        """
        return bool(self._waiting) and len(self._sent) < self.window and self._again is None

    def begin(self, window: int) -> None:
        """A conversation begins, at step 0."""
        self.window, self._number, self._again = window, 0, None

    def add(self, arrival: Arrival) -> None:
        self._waiting.append(arrival)

    def send(self) -> int:
        """The number of the oldest step that waits, which counts as sent."""
        self._sent.append(self._waiting.popleft())
        number, self._number = self._number, self._number + 1
        return number

    def answered(self) -> Arrival:
        """The oldest that was sent."""
        arrival = self._sent.popleft()
        self._settle()
        return arrival

    def refused(self, next_step: int) -> Arrival:
        """As `answered`; `next_step` is the number that the server waits for."""
        self._again = next_step
        return self.answered()

    def lost(self) -> list[Arrival]:
        """All that were sent: their conversation is over."""
        lost = list(self._sent)
        self._sent.clear()
        return lost

    def abandoned(self) -> list[Arrival]:
        """All that there are: nobody waits any longer."""
        abandoned = [*self._sent, *self._waiting]
        self._sent.clear()
        self._waiting.clear()
        return abandoned

    def _settle(self) -> None:
        if self._again is not None and not self._sent:
            self._number, self._again = self._again, None
