"""The durable stores that a server can be given, each in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from torture.redis_server import RedisServer


@contextmanager
def sqlite(folder: Path) -> Iterator[str]:
    """What `--store` takes."""
    yield f"sqlite:{folder / 'streams.db'}"


@contextmanager
def redis_running(folder: Path) -> Iterator[RedisServer]:
    """Raises NotInstalled."""
    server = RedisServer(folder)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """What `--store` takes. Raises NotInstalled."""
    with redis_running(folder) as server:
        yield server.url


STORES: dict[str, Callable[[Path], AbstractContextManager[str]]] = {
    "sqlite": sqlite,
    "redis": redis,
}
