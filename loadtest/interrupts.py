"""Interrupts from the keyboard, noted for a moment at which they disturb nothing."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self


class Interrupts:
    """In its `with` block an interrupt is counted; it would tear a message of a pipe in two."""

    def __init__(self) -> None:
        self.count = 0
        self._former = signal.getsignal(signal.SIGINT)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.count += 1

    def __enter__(self) -> Self:
        signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        signal.signal(signal.SIGINT, self._former)


@contextmanager
def ignored() -> Iterator[None]:
    """A process that is started meanwhile ignores interrupts for good."""
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)
