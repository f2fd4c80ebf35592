"""What is SQLite's own; the contract of every store is in tests/conformance."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sqlite3
import stat
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from service.checkpoint.clock import MachineClock
from service.checkpoint.database import Database
from service.checkpoint.schema import APPLICATION_ID
from service.checkpoint.sqlite import SqliteStore
from service.checkpoint.store import CheckpointUnreadable, StoreRefused, StoreUnavailable
from service.core.streams import StreamKey
from tests.stores import TIMEOUT, A, Clock, once_it_answers, record, write

SHORT = 0.3
"""Seconds that a store waits for a file that will not come free."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "stepwire.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    made = SqliteStore(str(path), timeout=TIMEOUT)
    yield made
    await made.close()


@pytest.fixture
async def hasty(path: Path, store: SqliteStore) -> AsyncIterator[SqliteStore]:
    made = SqliteStore(str(path), timeout=SHORT)
    yield made
    await made.close()


@contextlib.contextmanager
def by_hand(path: Path) -> Iterator[sqlite3.Connection]:
    """Another user of the file."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


async def test_nobody_else_may_read_what_is_kept(store: SqliteStore, path: Path) -> None:
    await store.write([write("a", record(1, "p", 1))])
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == dict.fromkeys(("stepwire.db", "stepwire.db-wal", "stepwire.db-shm"), 384)


async def test_what_is_kept_outlives_the_store(path: Path) -> None:
    for step in (1, 2):
        store = SqliteStore(str(path), timeout=TIMEOUT)
        assert await store.read(A) == (record(1, "p", 1) if step == 2 else None)
        await store.write([write("a", record(1, "p", step))])
        await store.close()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing/stepwire.db", "No such file or directory"),
        (".", "Is a directory"),
        ("file/stepwire.db", "Not a directory"),
        ("file", "file is not a database"),
        ("strange", "the database of something else"),
        ("newer", "schema 3, of a newer version of Stepwire"),
    ],
)
def test_a_file_that_cannot_be_a_store_is_refused(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "file").write_text("not a database, and longer than its header would be " * 9)
    with by_hand(tmp_path / "strange") as connection:
        connection.execute("CREATE TABLE streams (name)")
    with by_hand(tmp_path / "newer") as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 3")
    before = _contents(tmp_path)
    where = str(tmp_path / name)
    with pytest.raises(StoreRefused, match=f"^--store sqlite:{where}: .*{reason}"):
        SqliteStore(where, timeout=TIMEOUT)
    assert _contents(tmp_path) == before


def _contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


async def test_a_name_that_sqlite_gives_another_meaning_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (":memory:", "file:x?mode=memory"):
        store = SqliteStore(name, timeout=TIMEOUT)
        await store.write([write("a", record(1, "p", 1))])
        await store.close()
        assert (tmp_path / name).stat().st_size > 0


async def test_a_locked_file_is_told_and_found_again(path: Path, hasty: SqliteStore) -> None:
    await once_it_answers(lambda: hasty.write([write("a", record(1, "p", 1))]))
    with by_hand(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="sqlite:.*(locked|did not answer)"):
            await hasty.write([write("a", record(1, "p", 2))])
        # Who only reads does not wait for who writes.
        assert await once_it_answers(lambda: hasty.read(A)) == record(1, "p", 1)
    newest = [write("a", record(1, "p", 3))]
    assert await once_it_answers(lambda: hasty.write(newest)) == [True]


async def test_a_file_that_is_locked_from_the_start_is_told_by_the_first_call(path: Path) -> None:
    with by_hand(path) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        store = SqliteStore(str(path), timeout=SHORT)
        with pytest.raises(StoreUnavailable):
            await store.read(A)
    newest = [write("a", record(1, "p", 3))]
    assert await once_it_answers(lambda: store.write(newest)) == [True]
    await store.close()


async def test_the_event_loop_runs_while_the_file_is_waited_for(
    path: Path, store: SqliteStore
) -> None:
    with by_hand(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(store.write([write("a", record(1, "p", 2))]))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not writing.done()
        connection.execute("COMMIT")
        assert await writing == [True]


async def test_a_full_disk_is_told_and_nothing_of_the_round_is_stored(
    path: Path, store: SqliteStore
) -> None:
    await store.write([write("a", record(1, "p", 1))])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, limits[1]))
    try:
        with pytest.raises(StoreUnavailable, match="full|disk"):
            await store.write(
                [write("a", record(1, "p", 2)), write("b", record(1, "p", 1, state=bytes(2**22)))]
            )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert await store.read(A) == record(1, "p", 1)
    assert await store.write([write("a", record(1, "p", 3))]) == [True]


async def test_a_round_that_cannot_be_written_leaves_nothing_and_locks_nothing(
    path: Path, store: SqliteStore
) -> None:
    with pytest.raises(OverflowError):
        await store.write([write("a", record(1, "p", 1)), write("b", record(2**63, "p", 1))])
    other = SqliteStore(str(path), timeout=TIMEOUT)
    assert await other.read(A) is None
    assert await other.write([write("a", record(1, "p", 2))]) == [True]
    await other.close()


async def test_a_file_that_was_removed_is_made_again(path: Path, store: SqliteStore) -> None:
    await store.write([write("a", record(7, "p", 5))])
    for file in path.parent.iterdir():
        file.unlink()
    with pytest.raises(StoreUnavailable, match="the file was removed or replaced"):
        await store.write([write("a", record(2, "o", 3))])
    assert await store.write([write("a", record(2, "o", 3))]) == [True]
    other = SqliteStore(str(path), timeout=TIMEOUT)
    assert await other.read(A) == record(2, "o", 3)
    await other.close()


async def test_a_file_that_another_took_the_place_of_is_told_once(
    path: Path, tmp_path: Path, store: SqliteStore
) -> None:
    restored = tmp_path / "backup.db"
    backup = SqliteStore(str(restored), timeout=TIMEOUT)
    await backup.write([write("a", record(1, "p", 1))])
    await backup.close()
    await store.write([write("a", record(1, "p", 2))])
    path.with_name("stepwire.db-wal").unlink()
    path.with_name("stepwire.db-shm").unlink()
    restored.rename(path)
    with pytest.raises(StoreUnavailable, match="the file was removed or replaced"):
        await store.read(A)
    assert await store.read(A) == record(1, "p", 1)
    assert await store.write([write("a", record(1, "p", 2))]) == [True]


async def test_closing_does_not_wait_for_a_job_that_is_stuck(path: Path) -> None:
    go_on = threading.Event()
    database = Database(str(path), timeout=SHORT)
    try:
        with pytest.raises(StoreUnavailable, match="did not answer within 0.3 s"):
            await database.run(lambda *_: go_on.wait())
        async with asyncio.timeout(TIMEOUT):
            await database.close()
    finally:
        go_on.set()


async def test_a_folder_that_went_and_came_back_is_told_in_between(tmp_path: Path) -> None:
    folder, aside = tmp_path / "disk", tmp_path / "aside"
    folder.mkdir()
    store = SqliteStore(str(folder / "stepwire.db"), timeout=TIMEOUT)
    await store.write([write("a", record(1, "p", 1))])
    folder.rename(aside)
    for reason in ("the file was removed", "No such file or directory"):
        with pytest.raises(StoreUnavailable, match=reason):
            await store.write([write("a", record(1, "p", 2))])
    aside.rename(folder)
    assert await store.read(A) == record(1, "p", 1)
    await store.close()


async def test_a_damaged_file_is_told(path: Path, store: SqliteStore) -> None:
    await store.write([write("a", record(1, "p", 1))])
    for file in path.parent.iterdir():
        file.write_bytes(b"no longer a database " * 1000)
    with pytest.raises(StoreUnavailable, match="sqlite:"):
        await store.write([write("a", record(1, "p", 2))])


async def test_emptied_tables_take_living_streams_again(path: Path, store: SqliteStore) -> None:
    await store.write([write("a", record(7, "p", 5))])
    with by_hand(path) as connection:
        connection.execute("DELETE FROM streams")
    assert await store.read(A) is None
    assert await store.write([write("a", record(2, "o", 3))]) == [True]


async def test_damaged_bytes_are_told(path: Path, store: SqliteStore) -> None:
    await store.write([write("a", record(1, "p", 3)), write("b", record(1, "p", 3))])
    with by_hand(path) as connection:
        connection.execute("UPDATE streams SET checkpoint = substr(checkpoint, 2) WHERE id = 'a'")
    with pytest.raises(CheckpointUnreadable, match="damaged"):
        await store.read(A)
    assert await store.read(StreamKey("", "b")) == record(1, "p", 3)
    assert len(await store.list("", "", 10)) == 2


async def test_records_whose_time_is_up_leave_the_file_a_few_a_round(path: Path) -> None:
    clock = Clock()
    store = SqliteStore(str(path), timeout=TIMEOUT, clock=MachineClock("boot", clock))
    await store.write([write(f"s{at}", record(1, "p", 1), keep_for=10.0) for at in range(150)])
    await store.write([write("kept", record(1, "p", 1))])
    clock.now += 10.0
    held = []
    with by_hand(path) as connection:
        for _ in range(4):
            held.append(connection.execute("SELECT count(*) FROM streams").fetchone()[0])
            await store.write([])
    assert held == [151, 87, 23, 1]
    await store.close()


async def test_a_file_of_the_first_schema_is_taken_over(path: Path) -> None:
    store = SqliteStore(str(path), timeout=TIMEOUT)
    await store.write([write("a", record(1, "p", 1)), write("b", record(1, "p", 1))])
    await store.close()
    with by_hand(path) as connection:
        connection.execute("DROP TABLE clock")
        connection.execute("PRAGMA user_version = 1")
        connection.execute("UPDATE streams SET expires = strftime('%s') + 60 WHERE id = 'a'")
        connection.execute("UPDATE streams SET expires = strftime('%s') - 60 WHERE id = 'b'")
    heir = SqliteStore(str(path), timeout=TIMEOUT)
    assert await heir.read(A) == record(1, "p", 1)
    assert await heir.read(StreamKey("", "b")) is None
    await heir.close()
