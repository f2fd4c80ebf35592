"""The store that a setting names."""

from __future__ import annotations

from service.checkpoint.memory import MemoryStore
from service.checkpoint.store import Store, StoreRefused


def open_store(where: str, *, timeout: float) -> Store:
    """`where`: memory, sqlite:PATH or redis://HOST:PORT/DB. Raises StoreRefused."""
    if where == "memory":
        return MemoryStore()
    raise StoreRefused(f"{where!r} is no store")
