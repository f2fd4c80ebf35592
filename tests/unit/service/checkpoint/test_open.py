from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from service.checkpoint.memory import MemoryStore
from service.checkpoint.open import open_store
from service.checkpoint.redis import RedisStore
from service.checkpoint.sqlite import SqliteStore
from service.checkpoint.store import StoreRefused


async def test_each_kind_of_store_is_opened_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a:b.db"
    for where, kind, shown in (
        ("memory", MemoryStore, ""),
        (f"sqlite:{path}", SqliteStore, f"SqliteStore(sqlite:{path})"),
        ("redis://localhost:6380/2", RedisStore, "RedisStore(redis://localhost:6380/2)"),
        ("redis://localhost", RedisStore, "RedisStore(redis://localhost:6379/0)"),
        ("redis://[::1]:6380", RedisStore, "RedisStore(redis://[::1]:6380/0)"),
        ("rediss://u:s3cret@host", RedisStore, "RedisStore(rediss://host:6379/0)"),
    ):
        store = open_store(where, timeout=1.0)
        assert type(store) is kind
        assert store.durable is (where != "memory")
        assert repr(store) == shown or not shown
        await store.close()


@pytest.mark.parametrize(
    "where",
    [
        *("", "postgres://u:s3cret@host/db", "sqlite", "sqlite:", "memory:x", "redis", "redis:"),
        *("redis://", "redis:///0", "redis://:s3cret@/0", "redis://:s3cret@host:port/0"),
        *("redis://host:1/s3cret", "redis://u:s3c/ret@host/0", "redis://:s3cret@host:99999/0"),
        *("redis://:s3cret@[::1/0", "redis://:s3cret@host/0?socket_timeout=s3cret"),
        *("redis://:s3cret@host/0?no_such=s3cret", "s3cret@host"),
    ],
)
def test_anything_else_is_refused_without_telling_a_password(where: str) -> None:
    with pytest.raises(StoreRefused, match="^--store .*redis://HOST:PORT/DB") as refused:
        open_store(where, timeout=1.0)
    assert "s3c" not in str(refused.value) or where == "s3cret@host"
    assert refused.value.__cause__ is None
    assert "\n" not in str(refused.value)


def test_who_keeps_nothing_in_redis_does_not_need_its_package() -> None:
    looked = (
        "import sys; from service.checkpoint.open import open_store; "
        "open_store('memory', timeout=1.0); sys.exit('redis' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", looked]).returncode == 0
