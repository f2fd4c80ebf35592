"""The store that --store names."""

from __future__ import annotations

from service.checkpoint.memory import MemoryStore
from service.checkpoint.sqlite import SqliteStore
from service.checkpoint.store import Store, StoreRefused


def open_store(where: str, *, timeout: float) -> Store:
    """`memory`, `sqlite:PATH` or `redis://HOST:PORT/DB`; `timeout` bounds a call, in seconds.

    A server that is not there, or a file that is locked, is told by the first call. Raises
    StoreRefused for anything else that is wrong with `where`.
    """
    kind, _, rest = where.partition(":")
    if where == "memory":
        return MemoryStore()
    if kind == "sqlite" and rest:
        return SqliteStore(rest, timeout=timeout)
    if kind in ("redis", "rediss"):
        # Who does not use it need not have the package.
        from service.checkpoint.redis import RedisStore

        return RedisStore(where, timeout=timeout)
    # No more of it is shown than its kind: there may be a password in it.
    raise StoreRefused(
        f"--store {kind}:... is no store: one is memory, sqlite:PATH or redis://HOST:PORT/DB"
    )
