"""How a command ends when it is asked to, by Ctrl-C or by SIGTERM."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 130
"""The exit code that a shell gives Ctrl-C."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Either signal is a KeyboardInterrupt in the block, and behind it the exit code."""
    with _terminated_like_interrupted():
        try:
            yield
        except KeyboardInterrupt:
            raise SystemExit(INTERRUPTED) from None


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """SIGTERM by itself would leave children running, the cursor hidden and files half-written."""
    # A shell starts what runs in its background with SIGINT ignored.
    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    terminate = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, interrupt)
        signal.signal(signal.SIGTERM, terminate)
