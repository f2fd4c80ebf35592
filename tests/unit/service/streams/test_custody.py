"""Streams beyond one process: engines that share a store."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import time

import pytest

from service.checkpoint.store import Record
from service.core.counts import StoreCounts
from service.core.directory import Directory
from service.core.errors import (
    InvalidRequest,
    StateUnusable,
    StoreDown,
    StreamExists,
    StreamNotFound,
    StreamTakenOver,
    TooManyStreams,
)
from service.core.streams import Mode, StreamKey
from service.engine import Engine
from service.lanes.lane import Lane
from service.lanes.lanes import Lanes
from service.runtime.accumulator import accumulate, accumulator_signature
from service.runtime.stepper import Stepper
from tests.fakes import MODEL, Connection, accumulator_lane, request
from tests.replicas import Replica, Shared, until

OTHER_TOKEN = bytes(16)
KEY = StreamKey("", "robot")


async def test_what_was_saved_outlives_its_process() -> None:
    store = Shared()
    session = await Replica(store).create()
    assert await session.add(5.0) == 5.0
    await session.saved()
    resumed = await Replica(store, takeover_wait=0.0).resume()
    assert (resumed.opened.next_step, resumed.opened.durable_step) == (1, 1)
    assert resumed.opened.stream.exact
    assert await resumed.add(2.0) == 7.0


async def test_a_new_stream_is_in_the_store_before_it_is_open() -> None:
    store = Shared()
    await Replica(store).create()
    assert (await Replica(store, takeover_wait=0.0).resume()).opened.next_step == 0


async def test_an_owner_that_lives_flushes_and_releases_on_a_claim() -> None:
    store = Shared()
    first, second = Replica(store), Replica(store, takeover_wait=60.0)
    session = await first.create()
    session.send(5.0)
    resumed = await second.resume()
    assert resumed.opened.next_step == 1
    assert isinstance(session.connection.ended, StreamTakenOver)
    assert len(first.engine.readings().lanes) == 1 and first.lane.slots.held == 0
    assert await resumed.add(1.0) == 6.0


async def test_an_owner_that_does_not_answer_is_passed_over_and_its_steps_are_discarded() -> None:
    store = Shared()
    first, second = Replica(store), Replica(store)
    session = await first.create()
    await session.add(5.0)
    await session.saved()
    first.line.cut = True
    assert await session.add(100.0) == 105.0
    resumed = await second.resume()
    assert resumed.opened.next_step == 1
    assert await resumed.add(1.0) == 6.0
    await resumed.saved()
    first.line.cut = False
    await until(lambda: session.connection.ended)
    assert isinstance(session.connection.ended, StreamTakenOver)
    assert "before 1" in str(session.connection.ended)
    assert (await Replica(store).resume()).opened.next_step == 2


async def test_a_stream_goes_on_without_its_store_and_is_saved_when_it_returns(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = Shared()
    replica = Replica(store)
    session = await replica.create()
    replica.line.cut = True
    with caplog.at_level(logging.WARNING):
        await until(lambda: _degraded(replica))
        assert await session.add(5.0) == 5.0
        with pytest.raises(StoreDown, match="open it again in a moment"):
            await replica.create("another")
        assert session.connection.durable_step == 0
        replica.line.cut = False
        await session.saved()
    assert not _degraded(replica)
    gone, back = (record.message for record in caplog.records)
    assert gone.startswith("degraded: streams go on in memory only")
    assert back.startswith("the state store is back")


async def test_a_store_that_comes_back_empty_is_written_again() -> None:
    store = Shared()
    replica = Replica(store)
    session = await replica.create()
    await session.add(5.0)
    await session.saved()
    replica.line.cut = True
    await until(lambda: _degraded(replica))
    replica.line.store = emptied = Shared()
    replica.line.cut = False
    await until(lambda: not _degraded(replica))
    assert emptied.step(KEY) == 1


async def test_resuming_on_the_same_process_needs_no_store() -> None:
    replica = Replica(Shared())
    session = await replica.create()
    await session.add(5.0)
    session.detach()
    replica.line.cut = True
    assert await (await replica.resume()).add(1.0) == 6.0


async def test_who_holds_a_stream_is_saved_too() -> None:
    store = Shared()
    first, second = Replica(store), Replica(store)
    await first.open(request(holder=b"one"))
    await first.open(request(mode=Mode.RESUME, holder=b"two"))
    await until(lambda: (record := store.record(KEY)) and _holder(record) == b"two")
    first.line.cut = True
    with pytest.raises(StreamTakenOver):
        await second.open(request(mode=Mode.RECONNECT, holder=b"one"))


async def test_a_detached_stream_is_saved_at_once() -> None:
    store = Shared()
    session = await Replica(store, interval=600.0).create()
    await session.add(5.0)
    await session.saved()
    await session.add(5.0)
    session.detach()
    await until(lambda: store.step(KEY) == 2)


async def test_a_closed_stream_is_gone_everywhere_and_its_id_is_free() -> None:
    store = Shared()
    replica, other = Replica(store), Replica(store)
    session = await replica.create()
    await session.add(5.0)
    session.close()
    with pytest.raises(StreamNotFound):
        await replica.resume()
    with pytest.raises(StreamNotFound):
        await other.resume()
    assert (await other.create()).opened.next_step == 0


@pytest.mark.parametrize("mode", [Mode.CREATE, Mode.RESUME])
async def test_without_its_token_a_stored_stream_is_left_alone(mode: Mode) -> None:
    store = Shared()
    session = await Replica(store).create()
    refusal = StreamExists if mode is Mode.CREATE else StreamNotFound
    with pytest.raises(refusal):
        await Replica(store).open(request(mode=mode, token=OTHER_TOKEN))
    assert session.connection.ended is None
    assert await session.add(1.0) == 1.0


async def test_restart_at_another_server_drops_the_old_state() -> None:
    store = Shared()
    session = await Replica(store).create()
    await session.add(5.0)
    restarted = await Replica(store).open(request(mode=Mode.RESTART, token=OTHER_TOKEN))
    assert isinstance(session.connection.ended, StreamTakenOver)
    assert await restarted.add(1.0) == 1.0
    with pytest.raises(StreamNotFound):
        await Replica(store).resume()


async def test_a_restart_by_a_server_that_lost_the_stream_leaves_the_new_owner_alone() -> None:
    for _ in range(4):  # whichever of the two has the later name
        store = Shared()
        first, second = Replica(store), Replica(store)
        await first.create()
        first.line.cut = True
        session = await second.resume()
        first.line.cut = False
        with contextlib.suppress(StoreDown):
            await first.open(request(mode=Mode.RESTART, token=OTHER_TOKEN))
        assert await session.add(1.0) == 1.0
        await session.saved()


async def test_an_open_sent_again_to_another_server_finds_its_stream() -> None:
    store = Shared()
    session = await Replica(store).create()
    await session.add(5.0)
    again = await Replica(store).create()
    assert await again.add(1.0) == 6.0


async def test_a_client_that_lost_its_stream_to_another_does_not_get_it_back() -> None:
    store = Shared()
    first, second = Replica(store), Replica(store)
    await first.open(request(holder=b"one"))
    await second.open(request(mode=Mode.RESUME, holder=b"two"))
    with pytest.raises(StreamTakenOver):
        await first.open(request(mode=Mode.RECONNECT, holder=b"one"))


async def test_answers_are_given_again_by_another_server() -> None:
    store = Shared()
    session = await Replica(store).create()
    for x in range(6):
        await session.add(x)
    resumed = await Replica(store).resume()
    resumed._number = 3
    assert await resumed.add(3.0) == 6.0
    assert resumed.opened.lane.next_step(resumed.opened.stream) == 6


async def test_a_full_server_leaves_detached_streams_to_the_store() -> None:
    replica = Replica(Shared(), limit=2)
    sessions = [await replica.create(name) for name in ("a", "b")]
    for x, session in enumerate(sessions):
        await session.add(x + 1.0)
    with pytest.raises(TooManyStreams):
        await replica.create("c")
    sessions[0].detach()
    third = await replica.create("c")
    assert replica.lane.slots.held == 2
    assert replica.engine.readings().opens.spilled == 1
    third.close()
    resumed = await replica.resume("a")
    assert resumed.opened.next_step == 1
    assert await resumed.add(10.0) == 11.0


async def test_a_full_server_keeps_its_streams_while_the_store_is_away() -> None:
    replica = Replica(Shared(), limit=1)
    session = await replica.create()
    session.detach()
    replica.line.cut = True
    await until(lambda: _degraded(replica))
    with pytest.raises((TooManyStreams, StoreDown)):
        await replica.create("another")
    assert (await replica.resume()).opened.next_step == 0


async def test_a_sync_stream_answers_only_what_is_in_the_store() -> None:
    store = Shared()
    replica = Replica(store)
    session = await replica.open(dataclasses.replace(request(), sync=True))
    assert await session.add(5.0) == 5.0
    assert store.step(KEY) == 1
    replica.line.cut = True
    session.send(1.0)
    await until(lambda: _degraded(replica))
    assert session.totals == [5.0]
    replica.line.cut = False
    await until(lambda: session.totals == [5.0, 6.0])


async def test_a_sync_stream_that_was_taken_never_answers_its_unfenced_step() -> None:
    store = Shared()
    first, second = Replica(store), Replica(store)
    session = await first.open(dataclasses.replace(request(), sync=True))
    first.line.cut = True
    session.send(1.0)
    resumed = await second.resume()
    assert resumed.opened.next_step == 0
    first.line.cut = False
    await until(lambda: session.connection.ended)
    assert session.totals == []


async def test_a_sync_stream_needs_a_store() -> None:
    lanes, directory = Lanes({MODEL: accumulator_lane()}, {}), Directory(limit=1, idle_limit=60.0)
    with pytest.raises(InvalidRequest, match="--store"):
        await Engine(lanes, directory).open(dataclasses.replace(request(), sync=True), Connection())


async def test_a_server_that_stops_leaves_its_streams_to_be_taken_at_once() -> None:
    store = Shared()
    replica = Replica(store)
    session = await replica.create()
    session.send(5.0)
    replica.engine.drain()
    await until(lambda: session.totals)
    session.detach()
    await replica.engine.drained()
    await replica.engine.close_down(1.0)
    resumed = await Replica(store, takeover_wait=60.0).resume()
    assert await resumed.add(1.0) == 6.0


async def test_a_state_saved_by_another_arithmetic_resumes_and_says_so() -> None:
    store = Shared()
    await Replica(store).create()
    lane = accumulator_lane()
    lane.numerics = "another processor"
    resumed = await Replica(store, lane=lane, takeover_wait=0.0).resume()
    assert not resumed.opened.stream.exact


async def test_a_stream_made_by_two_arithmetics_is_exact_nowhere() -> None:
    store = Shared()
    await Replica(store).create()
    lane = accumulator_lane()
    lane.numerics = "another processor"
    resumed = await Replica(store, lane=lane, takeover_wait=0.0).resume()
    await resumed.add(1.0)
    await resumed.saved()
    for numerics in ("another processor", ""):
        again = accumulator_lane()
        again.numerics = numerics
        back = await Replica(store, lane=again, takeover_wait=0.0).resume()
        assert not back.opened.stream.exact


async def test_a_stranger_hears_of_the_store_whether_or_not_the_stream_is_here() -> None:
    replica = Replica(Shared())
    await replica.create()
    replica.line.cut = True
    for stream_id in ("robot", "nobody"):
        with pytest.raises(StoreDown):
            await replica.open(request(stream_id, Mode.RESUME, OTHER_TOKEN))


async def test_a_state_that_does_not_fit_is_refused_and_stays() -> None:
    store = Shared()
    session = await Replica(store).create()
    await session.add(5.0)
    await session.saved()
    with pytest.raises(StateUnusable, match="saved under another accumulator/1"):
        await Replica(store, lane=_wider_lane(), takeover_wait=0.0).resume()
    resumed = await Replica(store, takeover_wait=0.0).resume()
    assert await resumed.add(1.0) == 6.0


async def test_an_expired_stream_leaves_the_store_too() -> None:
    store = Shared()
    replica = Replica(store, idle_limit=0.02)
    (await replica.create()).detach()
    await until(lambda: replica.lane.slots.held == 0)
    with pytest.raises(StreamNotFound):
        await Replica(store).resume()


async def test_a_stream_that_stands_still_is_not_forgotten_by_the_store() -> None:
    store = Shared()
    replica = Replica(store, idle_limit=0.3)
    started = time.monotonic()
    await replica.create()
    await until(lambda: time.monotonic() > started + 3 * 0.3)
    assert store.step(KEY) == 0


async def test_a_round_that_finds_nothing_new_writes_nothing() -> None:
    replica = Replica(Shared())
    session = await replica.create()
    await session.add(1.0)
    await session.saved()
    written, rounds = replica.line.writes, _counts(replica).rounds
    await until(lambda: _counts(replica).rounds > rounds + 3)
    assert replica.line.writes == written


def _holder(record: Record) -> bytes:
    assert record.checkpoint
    return record.checkpoint.holder


def _counts(replica: Replica) -> StoreCounts:
    reading = replica.engine.readings().store
    assert reading
    return reading.counts


def _degraded(replica: Replica) -> bool:
    reading = replica.engine.readings().store
    return reading is not None and reading.degraded_for is not None


def _wider_lane() -> Lane:
    return Lane(
        MODEL, "digest", Stepper(accumulate, accumulator_signature(2)), window=4, max_batch=8
    )
