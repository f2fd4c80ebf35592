"""Streams that go from one server to another, by the store that they share."""

from __future__ import annotations

import contextlib
import dataclasses

import pytest

from service.checkpoint.store import Record
from service.core.errors import (
    StateUnusable,
    StoreDown,
    StreamExists,
    StreamNotFound,
    StreamTakenOver,
)
from service.core.streams import Mode, StreamKey
from service.lanes.lane import Lane
from service.runtime.accumulator import accumulate, accumulator_signature
from service.runtime.stepper import Stepper
from tests.fakes import MODEL, accumulator_lane, request
from tests.outside import OTHER
from tests.replicas import Replica, Shared, until

KEY = StreamKey("", "robot")


async def test_an_owner_that_lives_flushes_and_releases_on_a_claim() -> None:
    store = Shared()
    first, second = Replica(store), Replica(store, takeover_wait=60.0)
    session = await first.create()
    session.send(5.0)
    resumed = await second.resume()
    assert resumed.opened.next_step == 1
    assert isinstance(session.connection.ended, StreamTakenOver)
    assert len(first.engine.readings().lanes) == 1 and first.lane.slots.held == 0
    assert first.lane.stream_counts.lost == {"STREAM_TAKEN_OVER": 1, "STREAM_MOVED": 0}
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


async def test_who_holds_a_stream_is_saved_too() -> None:
    store = Shared()
    first, second = Replica(store), Replica(store)
    await first.open(request(holder=b"one"))
    await first.open(request(mode=Mode.RESUME, holder=b"two"))
    await until(lambda: (record := store.record(KEY)) and _holder(record) == b"two")
    first.line.cut = True
    with pytest.raises(StreamTakenOver):
        await second.open(request(mode=Mode.RECONNECT, holder=b"one"))


@pytest.mark.parametrize("mode", [Mode.CREATE, Mode.RESUME])
async def test_without_its_token_a_stored_stream_is_left_alone(mode: Mode) -> None:
    store = Shared()
    session = await Replica(store).create()
    refusal = StreamExists if mode is Mode.CREATE else StreamNotFound
    with pytest.raises(refusal):
        await Replica(store).open(request(mode=mode, token=OTHER))
    assert session.connection.ended is None
    assert await session.add(1.0) == 1.0


async def test_restart_at_another_server_drops_the_old_state() -> None:
    store = Shared()
    session = await Replica(store).create()
    await session.add(5.0)
    restarted = await Replica(store).open(request(mode=Mode.RESTART, token=OTHER))
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
            await first.open(request(mode=Mode.RESTART, token=OTHER))
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
    resumed.number = 3
    assert await resumed.add(3.0) == 6.0
    assert resumed.opened.lane.next_step(resumed.opened.stream) == 6


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


async def test_a_state_that_does_not_fit_is_refused_and_stays() -> None:
    store = Shared()
    session = await Replica(store).create()
    await session.add(5.0)
    await session.saved()
    with pytest.raises(StateUnusable, match="saved under another accumulator/1"):
        await Replica(store, lane=_wider_lane(), takeover_wait=0.0).resume()
    resumed = await Replica(store, takeover_wait=0.0).resume()
    assert await resumed.add(1.0) == 6.0


def _holder(record: Record) -> bytes:
    assert record.checkpoint
    return record.checkpoint.holder


def _wider_lane() -> Lane:
    return Lane(
        MODEL, "digest", Stepper(accumulate, accumulator_signature(2)), window=4, max_batch=8
    )
