"""Through the store whose file has the clock."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.checkpoint.clock import MachineClock
from service.checkpoint.sqlite import SqliteStore
from tests.stores import TIMEOUT, A, Clock, record, write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "stepwire.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    made = SqliteStore(str(path), timeout=TIMEOUT)
    yield made
    await made.close()


async def test_a_wall_clock_that_leaps_ends_the_time_of_nothing(
    path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.write([write("a", record(1, "p", 1), keep_for=600.0)])
    wall = time.time
    monkeypatch.setattr(time, "time", lambda: wall() + 3600.0)
    another = SqliteStore(str(path), timeout=TIMEOUT)
    for reader in (store, another):
        await reader.write([])
        assert await reader.read(A) == record(1, "p", 1)
    await another.close()


@pytest.mark.parametrize(
    ("boots", "up"),
    [(("first", "second"), 3.0), (("first", "second"), 1_000_000.0), (("", ""), 3.0)],
    ids=["soon up again", "up for longer", "boots have no names"],
)
async def test_the_time_that_the_machine_was_off_is_not_counted(
    path: Path, boots: tuple[str, str], up: float
) -> None:
    clock = Clock()
    before = SqliteStore(str(path), timeout=TIMEOUT, clock=MachineClock(boots[0], clock))
    await before.write([write("a", record(1, "p", 1), keep_for=10.0)])
    await before.close()
    clock.now = up
    after = SqliteStore(str(path), timeout=TIMEOUT, clock=MachineClock(boots[1], clock))
    clock.now += 9.9
    assert await after.read(A) == record(1, "p", 1)
    clock.now += 0.2
    assert await after.read(A) is None
    await after.close()


async def test_two_runs_of_the_service_have_the_same_time(path: Path) -> None:
    clock = Clock()
    stores = [
        SqliteStore(str(path), timeout=TIMEOUT, clock=MachineClock("boot", clock)) for _ in range(2)
    ]
    await stores[0].write([write("a", record(1, "p", 1), keep_for=10.0)])
    clock.now += 9.9
    assert await stores[1].read(A) == record(1, "p", 1)
    clock.now += 0.2
    assert await stores[1].read(A) is None
    for store in stores:
        await store.close()
