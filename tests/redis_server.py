"""A real Redis server of a test's own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from torture.programs import NotInstalled
from torture.redis_server import RedisServer

__all__ = ["RedisServer", "redis_running"]


@contextlib.contextmanager
def redis_running(folder: Path, *flags: str) -> Iterator[RedisServer]:
    """Skips the test where there is no Redis and none can be installed."""
    try:
        server = RedisServer(folder, *flags)
    except NotInstalled as error:
        pytest.skip(str(error))
    try:
        yield server
    finally:
        server.stop()
