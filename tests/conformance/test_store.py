"""What every state store must do with the records of a stream."""

from __future__ import annotations

import asyncio

import pytest

from service.checkpoint.store import Record, Store
from service.core.streams import Fence, StreamKey
from tests.stores import SOON, A, Place, record, write


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


async def test_an_owned_stream_is_replaced_whatever_its_step(store: Store) -> None:
    await store.write([write("a", record(4, "p", 9))])
    assert await store.replace(write("a", record(5, "p", 0)), Fence(4, "p"))
    assert await store.read(A) == record(5, "p", 0)
    assert await store.replace(write("a", record(6, "p", None)), Fence(5, "p"))
    assert await store.read(A) == record(6, "p", None)


async def test_a_stream_whose_fence_has_moved_is_not_replaced(store: Store) -> None:
    await store.write([write("a", record(5, "q", 3))])
    for seen in (Fence(4, "p"), Fence(5, "p"), Fence(6, "q")):
        assert not await store.replace(write("a", record(7, "z", 9)), seen)
    assert await store.read(A) == record(5, "q", 3)


async def test_a_store_that_was_emptied_takes_a_replacement(store: Store) -> None:
    assert await store.replace(write("a", record(5, "p", 0)), Fence(4, "p"))
    assert await store.read(A) == record(5, "p", 0)


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


async def test_a_claim_does_not_outlive_the_time_of_its_record(store: Store, place: Place) -> None:
    await store.write([write("a", record(5, "p", 3), keep_for=SOON)])
    await store.claim(A, "q")
    await place.pass_time(2 * SOON)
    await store.write([write("a", record(5, "p", 3))])
    assert await store.claimed("p") == []


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
