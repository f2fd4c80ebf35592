"""What every state store must do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from service.checkpoint.store import Listed, Record, Store
from service.core.streams import Fence, StreamKey
from tests.redis_server import RedisServer, redis_running
from tests.stores import MemoryPlace, Place, RedisPlace, SqlitePlace, record, write

A = StreamKey("", "a")
SOON = 0.05
"""Seconds; where a server has a clock of its own, they are waited for."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_running(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(params=["memory", "sqlite", "redis"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "memory":
        return MemoryPlace()
    if request.param == "sqlite":
        return SqlitePlace(request.getfixturevalue("tmp_path"))
    server = request.getfixturevalue("server")
    server.empty()
    return RedisPlace(server)


@pytest.fixture
async def store(place: Place) -> AsyncIterator[Store]:
    made = place.store()
    yield made
    await made.close()


@pytest.fixture
async def other(place: Place) -> AsyncIterator[Store]:
    """Another process's store over the same records."""
    made = place.store()
    yield made
    await made.close()


async def test_a_stream_is_read_as_it_was_written(store: Store) -> None:
    assert await store.read(A) is None
    for kept in (record(1, "p", 3), record(2, "q", 0, released=True), record(3, "p", None)):
        assert await store.write([write("a", kept)]) == [True]
        assert await store.read(A) == kept


async def test_what_one_process_writes_another_reads(store: Store, other: Store) -> None:
    await store.write([write("a", record(1, "p", 3))])
    assert await other.read(A) == record(1, "p", 3)


@pytest.mark.parametrize(
    ("later", "earlier"),
    [
        (record(1, "p", 5), record(1, "p", 4)),
        (record(1, "p", 10), record(1, "p", 9)),
        (record(1, "q", 0), record(1, "p", 9)),
        (record(1, "b", 0), record(1, "B", 9)),
        (record(1, "pq", 0), record(1, "p", 9)),
        (record(1, "é", 0), record(1, "z", 9)),
        (record(2, "a", 0), record(1, "p", 9)),
        (record(10, "p", 0), record(9, "p", 1)),
        (record(1, "p", 2**53 - 1), record(1, "p", 2**53 - 2)),
        (record(2**52 + 1, "p", 0), record(2**52, "q", 0)),
        (record(1, "p", None), record(1, "p", 2**53 - 1)),
        (record(2, "a", 0), record(1, "p", None)),
    ],
    ids=lambda kept: "{}-{}-{}".format(*kept.order),
)
async def test_a_record_replaces_earlier_ones_only(
    store: Store, later: Record, earlier: Record
) -> None:
    assert await store.write([write("a", earlier)]) == [True]
    assert await store.write([write("a", later)]) == [True]
    assert await store.write([write("a", earlier)]) == [False]
    assert await store.read(A) == later


async def test_a_record_of_the_same_fence_and_step_is_stored_again(store: Store) -> None:
    await store.write([write("a", record(1, "p", 3))])
    again = record(1, "p", 3, released=True, state=b"another")
    assert await store.write([write("a", again)]) == [True]
    assert await store.read(A) == again


async def test_a_round_stores_what_it_may_and_tells_the_rest(store: Store) -> None:
    await store.write([write("b", record(2, "q", 7))])
    stored = await store.write(
        [write(id_, record(1, "p", 3)) for id_ in "abc"] + [write("a", record(1, "p", 2))]
    )
    assert stored == [True, False, True, False]
    assert await store.read(A) == record(1, "p", 3)
    assert await store.read(StreamKey("", "b")) == record(2, "q", 7)
    assert await store.read(StreamKey("", "c")) == record(1, "p", 3)


async def test_a_round_may_be_empty_or_large(store: Store) -> None:
    assert await store.write([]) == []
    many = [write(f"s{number}", record(1, "p", number % 7)) for number in range(300)]
    assert await store.write(many) == [True] * 300
    assert await store.read(StreamKey("", "s299")) == record(1, "p", 299 % 7)


async def test_a_record_of_four_mebibytes_comes_back(store: Store, other: Store) -> None:
    big = record(1, "p", 3, state=bytes(range(256)) * 2**14)
    assert await store.write([write("a", big), write("b", record(1, "p", 1))]) == [True, True]
    assert await other.read(A) == big


async def test_a_stream_is_created_where_there_is_none(store: Store) -> None:
    assert await store.create(write("a", record(1, "p", 0)))
    assert await store.read(A) == record(1, "p", 0)


@pytest.mark.parametrize("released", [False, True])
async def test_a_living_stream_is_not_created_again(store: Store, released: bool) -> None:
    living = record(1, "p", 3, released=released)
    await store.write([write("a", living)])
    assert not await store.create(write("a", record(2, "q", 0)))
    assert not await store.create(write("a", living))
    assert await store.read(A) == living


@pytest.mark.parametrize(
    ("fence", "created"),
    [(Fence(2, "p"), False), (Fence(2, "o"), False), (Fence(2, "q"), True), (Fence(3, "a"), True)],
)
async def test_an_ended_stream_is_created_again_by_a_later_fence(
    store: Store, fence: Fence, created: bool
) -> None:
    await store.write([write("a", record(2, "p", None))])
    assert await store.create(write("a", record(*fence, 0))) is created
    assert await store.read(A) == (record(*fence, 0) if created else record(2, "p", None))


async def test_of_two_creators_one_succeeds(store: Store, other: Store) -> None:
    for number in range(20):
        new = f"s{number}"
        made = await asyncio.gather(
            store.create(write(new, record(1, "p", 0))), other.create(write(new, record(1, "q", 0)))
        )
        assert sorted(made) == [False, True]
        kept = await store.read(StreamKey("", new))
        assert kept and kept.fence.owner == "pq"[made.index(True)]


async def test_the_end_of_a_stream_shuts_late_writers_out(store: Store) -> None:
    await store.write([write("a", record(1, "p", 3))])
    assert await store.write([write("a", record(1, "p", None))]) == [True]
    assert await store.write([write("a", record(1, "p", 4))]) == [False]
    assert await store.read(A) == record(1, "p", None)
    assert await store.take(A, Fence(1, "p"), "q") is None
    assert await store.list("", "", 10) == []


@pytest.mark.parametrize("released", [False, True])
async def test_a_stream_is_taken_in_the_next_epoch(store: Store, released: bool) -> None:
    await store.write([write("a", record(4, "p", 3, released=released))])
    assert await store.take(A, Fence(4, "p"), "o") == record(5, "o", 3)
    assert await store.read(A) == record(5, "o", 3)
    assert await store.write([write("a", record(4, "p", 9))]) == [False]
    assert await store.write([write("a", record(5, "o", 4))]) == [True]


async def test_a_stream_whose_fence_has_moved_is_not_taken(store: Store) -> None:
    assert await store.take(A, Fence(1, "p"), "q") is None
    await store.write([write("a", record(2, "p", 3))])
    for seen in (Fence(1, "p"), Fence(2, "o"), Fence(3, "p")):
        assert await store.take(A, seen, "q") is None
    assert await store.read(A) == record(2, "p", 3)


async def test_of_two_takers_one_succeeds(store: Store, other: Store) -> None:
    await store.write([write("a", record(1, "p", 3))])
    fence = Fence(1, "p")
    for _ in range(20):
        first, second = await asyncio.gather(store.take(A, fence, "q"), other.take(A, fence, "r"))
        assert (first is None) != (second is None)
        taken = first or second
        assert taken and await store.read(A) == taken
        fence = taken.fence


async def test_a_taker_and_a_late_writer_leave_one_history(store: Store, other: Store) -> None:
    for epoch in range(1, 40, 2):
        await store.write([write("a", record(epoch, "p", 3))])
        taken, [stored] = await asyncio.gather(
            other.take(A, Fence(epoch, "p"), "q"), store.write([write("a", record(epoch, "p", 4))])
        )
        assert taken == record(epoch + 1, "q", 4 if stored else 3)
        assert await store.read(A) == taken


async def test_claims_reach_the_owner(store: Store, other: Store) -> None:
    await store.write([write(id_, record(1, "p", 3)) for id_ in "abc"])
    await store.write([write("a", record(1, "p", 3), namespace="x:y.z")])
    await store.write([write("d", record(1, "q", 3))])
    assert await store.claimed("p") == []
    for key in (A, StreamKey("", "c"), StreamKey("", "d"), StreamKey("x:y.z", "a"), A):
        await other.claim(key, "r")
    assert sorted(await store.claimed("p")) == [A, StreamKey("", "c"), StreamKey("x:y.z", "a")]
    assert await store.claimed("q") == [StreamKey("", "d")]
    assert await store.claimed("r") == []
    assert await store.read(A) == record(1, "p", 3)


async def test_a_claim_stays_while_its_owner_writes_on(store: Store) -> None:
    await store.write([write("a", record(1, "p", 3))])
    await store.claim(A, "q")
    await store.write([write("a", record(1, "p", 4))])
    assert await store.claimed("p") == [A]


@pytest.mark.parametrize(
    "answer",
    [record(1, "p", 3, released=True), record(1, "p", None), record(2, "p", 3), record(1, "r", 0)],
)
async def test_a_claim_ends_with_a_release_an_end_or_another_fence(
    store: Store, answer: Record
) -> None:
    await store.write([write("a", record(1, "p", 3))])
    await store.claim(A, "q")
    assert await store.write([write("a", answer)]) == [True]
    assert await store.claimed("p") == []
    # Nor does it come back with the next writes.
    await store.write([write("a", record(3, "p", 0))])
    assert await store.claimed("p") == []
    assert await store.claimed("r") == []


async def test_a_refused_write_leaves_the_claim(store: Store) -> None:
    await store.write([write("a", record(2, "p", 3))])
    await store.claim(A, "q")
    assert await store.write([write("a", record(1, "p", 9, released=True))]) == [False]
    assert await store.claimed("p") == [A]


async def test_a_claim_ends_when_the_stream_is_taken(store: Store) -> None:
    await store.write([write("a", record(1, "p", 3))])
    await store.claim(A, "q")
    await store.take(A, Fence(1, "p"), "q")
    assert await store.claimed("p") == []
    assert await store.claimed("q") == []


@pytest.mark.parametrize("kept", [None, record(1, "p", None), record(1, "p", 3, released=True)])
async def test_what_nobody_has_is_not_claimed(store: Store, kept: Record | None) -> None:
    if kept:
        await store.write([write("a", kept)])
    await store.claim(A, "q")
    assert await store.claimed("p") == []
    await store.write([write("a", record(1, "p", None if kept and not kept.checkpoint else 3))])
    assert await store.claimed("p") == []


async def test_a_listing_tells_what_a_stream_is(store: Store) -> None:
    await store.write([write("a", record(1, "p", 3)), write("b", record(1, "p", 0, released=True))])
    assert await store.list("", "", 10) == [
        Listed(A, "gru", 3, 3, False),
        Listed(StreamKey("", "b"), "gru", 3, 0, True),
    ]


async def test_a_listing_goes_on_page_by_page_in_the_order_of_bytes(store: Store) -> None:
    ids = ["-", ".", ":", "A", "Z.1", "Z:1", "_", "a", "a-b", "a.b", "a:b", "a_b", "aa", "b"]
    assert ids == ["-", ".", ":", "A", "Z.1", "Z:1", "_", *sorted(ids[7:])]
    await store.write([write(id_, record(1, "p", 1)) for id_ in reversed(ids)])
    seen: list[str] = []
    while page := await store.list("", seen[-1] if seen else "", 5):
        assert len(page) <= 5
        seen += [listed.key.id for listed in page]
    assert seen == ids
    assert await store.list("", "", 0) == []
    assert [listed.key.id for listed in await store.list("", "a:", 2)] == ["a:b", "a_b"]


async def test_a_listing_leaves_ended_streams_out_and_takes_them_back(store: Store) -> None:
    await store.write([write(id_, record(1, "p", 3)) for id_ in "abc"])
    await store.write([write(id_, record(1, "p", None)) for id_ in "ab"])
    await store.write([write("b", record(2, "p", 0))])
    assert [listed.key.id for listed in await store.list("", "", 2)] == ["b", "c"]


async def test_namespaces_do_not_mix(store: Store) -> None:
    names = ["", "a", "a:b", "a.b", "a/b", "b:a", "stream:a", "ü"]
    ids = ["a", "b", "a:b", "a.b", "b:a", "a:b:c"]
    keys = [(namespace, id_) for namespace in names for id_ in ids]
    for number, (namespace, id_) in enumerate(keys):
        assert await store.create(write(id_, record(1, "p", number), namespace=namespace))
    for number, key in enumerate(keys):
        assert await store.read(StreamKey(*key)) == record(1, "p", number)
    for namespace in names:
        listed = await store.list(namespace, "", 100)
        assert [one.key for one in listed] == [StreamKey(namespace, id_) for id_ in sorted(ids)]
    assert await store.list("nobody", "", 100) == []


async def test_a_record_whose_time_is_up_is_gone(store: Store, place: Place) -> None:
    await store.write([write("a", record(5, "p", 3), keep_for=SOON), write("b", record(1, "p", 3))])
    await store.claim(A, "q")
    await place.pass_time(2 * SOON)
    assert await store.read(A) is None
    assert await store.claimed("p") == []
    assert await store.take(A, Fence(5, "p"), "q") is None
    assert [listed.key.id for listed in await store.list("", "", 10)] == ["b"]
    await store.claim(A, "q")
    assert await store.write([write("a", record(1, "o", 0))]) == [True]
    assert await store.claimed("o") == []
    assert await store.read(A) == record(1, "o", 0)


@pytest.mark.parametrize("step", [3, None])
async def test_a_stream_is_created_over_one_whose_time_is_up(
    store: Store, place: Place, step: int | None
) -> None:
    await store.write([write("a", record(5, "p", step), keep_for=SOON)])
    await place.pass_time(2 * SOON)
    assert await store.create(write("a", record(1, "o", 0)))
    assert await store.read(A) == record(1, "o", 0)


async def test_each_write_gives_a_record_new_time(store: Store, place: Place) -> None:
    await store.write([write("a", record(1, "p", 3), keep_for=SOON)])
    await store.write([write("a", record(1, "p", 4))])
    await place.pass_time(2 * SOON)
    await store.write([])
    assert await store.read(A) == record(1, "p", 4)
    assert [listed.key.id for listed in await store.list("", "", 10)] == ["a"]
    await store.write([write("a", record(1, "p", 5), keep_for=SOON)])
    await place.pass_time(2 * SOON)
    assert await store.read(A) is None


async def test_a_taken_stream_keeps_its_time(store: Store, place: Place) -> None:
    await store.write([write("a", record(1, "p", 3), keep_for=10 * SOON)])
    assert await store.take(A, Fence(1, "p"), "q")
    await place.pass_time(11 * SOON)
    assert await store.read(A) is None


async def test_a_record_may_be_kept_for_no_time_or_for_ever(store: Store) -> None:
    assert await store.write([write("a", record(1, "p", 3), keep_for=0.0)]) == [True]
    assert await store.read(A) is None
    assert await store.list("", "", 10) == []
    assert await store.write([write("a", record(1, "p", 3), keep_for=1e18)]) == [True]
    assert await store.read(A) == record(1, "p", 3)
