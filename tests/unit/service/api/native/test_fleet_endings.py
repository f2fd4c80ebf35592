"""How streams leave their fleet, and how its call ends."""

from __future__ import annotations

import asyncio

import pytest

from service.core.streams import Mode
from service.engine import Engine
from stepwire.v1 import stream_pb2 as pb
from tests.fakes import Connection, request
from tests.fleets import MAX_BATCH, Talk, fleet, two_models
from tests.replicas import Replica, Shared, until

PATIENCE = 20.0


@pytest.fixture
def engine() -> Engine:
    return two_models()


async def test_a_stream_taken_over_leaves_and_the_others_stay(engine: Engine, direct: bool) -> None:
    talk, handles = await fleet(engine, 2, direct)
    thief = Connection()
    talk.step(handles, [0, 0], [1.0, 1.0])
    await talk.turns()
    await engine.open(request("s0", Mode.RESUME), thief)
    talk.step(handles, [1, 1], [1.0, 1.0])
    await talk.turns()
    assert talk.left() == [(0, "STREAM_TAKEN_OVER")]
    assert talk.outputs(0) == [(0, 1.0)]
    assert talk.outputs(1) == [(0, 1.0), (1, 2.0)]
    assert not thief.answers


async def test_the_handle_of_a_lost_stream_is_given_again_once_its_client_knows(
    engine: Engine, direct: bool
) -> None:
    talk, _ = await fleet(engine, 2, direct)
    await engine.open(request("s0", Mode.RESUME), Connection())
    (other,) = await talk.open("new")
    assert other.handle == 2
    talk.say(leave=pb.FleetLeave(handles=[0]))
    (other,) = await talk.open("newer")
    assert other.handle == 0


async def test_a_waiting_step_of_a_lost_stream_is_not_run_on_its_heir(
    engine: Engine, direct: bool
) -> None:
    talk, _ = await fleet(engine, 1, direct)
    talk.step([0], [0], [7.0])
    await engine.open(request("s0", Mode.RESTART), Connection())
    talk.say(leave=pb.FleetLeave(handles=[0]))
    (heir,) = await talk.open("heir")
    assert heir.handle == 0
    talk.step([0], [0], [1.0])
    await talk.turns()
    assert talk.outputs(0) == [(0, 1.0)]


@pytest.mark.parametrize(("close", "after"), [(True, "STREAM_NOT_FOUND"), (False, "")])
async def test_a_stream_leaves_with_all_its_answers(
    engine: Engine, close: bool, after: str, direct: bool
) -> None:
    talk, handles = await fleet(engine, 2, direct)
    talk.reads.clear()
    talk.step(handles, [0, 0], [1.0, 1.0])
    talk.say(leave=pb.FleetLeave(handles=[1], close=close))
    await talk.turns()
    assert talk.left() == []
    talk.reads.set()
    await talk.turns()
    assert talk.left() == [(1, "")]
    assert talk.outputs(1) == [(0, 1.0)]
    (again,) = await talk.open("s1", mode=pb.OPEN_MODE_RESUME)
    assert again.refused.error == after
    assert again.opened.next_step == (0 if close else 1)


async def test_a_call_that_ends_leaves_its_streams_detached(engine: Engine, direct: bool) -> None:
    size = 3 * MAX_BATCH
    talk, handles = await fleet(engine, size, direct)
    talk.step(handles, [0] * size, [1.0] * size)
    talk.hang_up()
    await talk.task
    assert talk.status == "OK"
    assert [talk.outputs(handle) for handle in handles] == [[(0, 1.0)]] * size
    readings = engine.readings()
    assert (readings.attached, readings.detached) == (0, size)


async def test_a_call_that_is_cancelled_leaves_its_streams_detached(
    engine: Engine, direct: bool
) -> None:
    talk, _ = await fleet(engine, 2, direct)
    talk.task.cancel()
    await asyncio.wait([talk.task])
    readings = engine.readings()
    assert (readings.attached, readings.detached) == (0, 2)


async def test_a_draining_server_answers_what_it_has_accepted(engine: Engine, direct: bool) -> None:
    talk, handles = await fleet(engine, 2, direct)
    talk.step(handles, [0, 0], [1.0, 1.0])
    await talk.turns(1)
    talk.step(handles, [1, 1], [1.0, 1.0])
    engine.drain()  # before that message is read
    await talk.task
    assert talk.status == "SERVER_DRAINING"
    assert [talk.outputs(handle) for handle in handles] == [[(0, 1.0)]] * 2
    assert any(message.WhichOneof("event") == "going_away" for message in talk.heard)


async def test_a_client_that_made_no_sense_is_told_so_though_the_server_drains(
    engine: Engine, direct: bool
) -> None:
    talk, handles = await fleet(engine, 2, direct)
    with talk.unanswered() as held:
        talk.step(handles, [0, 0], [1.0, 1.0])
        talk.send(b"\xff\xff")
        await talk.turns()
    engine.drain()
    talk.call.answer(*held)
    async with asyncio.timeout(PATIENCE):
        await talk.task
    assert talk.status == "INVALID_REQUEST"
    assert [message.WhichOneof("event") for message in talk.heard] == ["opened", "outputs"]


@pytest.mark.parametrize("breaks", ["submit", "submit_block"])
async def test_a_message_that_the_service_fails_on_ends_the_call_and_leaves_its_streams_detached(
    breaks: str, direct: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Steps that were not accepted get no answers, and none is waited for."""

    def fails(*_: object) -> None:
        raise ZeroDivisionError("no such luck")

    engine = Replica(Shared()).engine
    talk = Talk(engine, direct=direct)
    await talk.open("safe", sync=True)
    await talk.open("quick")
    talk.step([0, 1], [0, 0], [1.0, 1.0])
    await until(lambda: talk.outputs(0) == talk.outputs(1) == [(0, 1.0)])
    monkeypatch.setattr(engine, breaks, fails)
    talk.step([0, 1], [1, 1], [1.0, 1.0])
    async with asyncio.timeout(PATIENCE):
        await talk.task
    assert talk.status == "SERVER_FAILED"
    assert "ZeroDivisionError" in caplog.text
    assert engine.readings().detached == 2
