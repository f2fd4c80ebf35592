"""How the call of a stream ends."""

from __future__ import annotations

import asyncio

import pytest

from service.core.directory import Directory
from service.core.errors import Unauthenticated
from service.core.steps import Step
from service.core.streams import Mode, Stream
from service.engine import Engine
from service.lanes.lanes import Lanes
from stepwire.v1 import stream_pb2 as pb
from tests.fakes import MODEL, Connection, accumulator_lane, request
from tests.lone import Talk, opened, refusal
from tests.replicas import until

PATIENCE = 20.0


@pytest.fixture
def engine() -> Engine:
    return Engine(
        Lanes({MODEL: accumulator_lane(model=MODEL)}, {}), Directory(limit=4, idle_limit=600.0)
    )


async def test_the_last_answer_ends_the_call_of_a_client_that_says_no_more(
    engine: Engine, direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = await opened(engine, direct)
    monkeypatch.setattr(engine, "submit", lambda stream, step: None)
    talk.step(0, 1.0)
    talk.hang_up()
    await talk.turns()
    assert not talk.task.done()
    talk.call.answer(refusal(0))
    async with asyncio.timeout(PATIENCE):
        await talk.task
    assert (talk.status, talk.events) == ("OK", ["opened", "error"])


async def test_a_client_that_says_no_more_gets_what_it_waits_for(
    engine: Engine, direct: bool
) -> None:
    talk = await opened(engine, direct)
    talk.step(0, 1.0)
    talk.hang_up()
    await talk.task
    assert (talk.status, talk.outputs) == ("OK", [(0, 1.0)])
    assert engine.readings().detached == 1


async def test_a_close_behind_steps_ends_the_stream_once_they_are_answered(
    engine: Engine, direct: bool
) -> None:
    talk = await opened(engine, direct)
    talk.step(0, 1.0)
    talk.close()
    talk.step(1, 1.0)
    await talk.task
    assert (talk.status, talk.outputs) == ("OK", [(0, 1.0)])
    readings = engine.readings()
    assert (readings.attached, readings.detached) == (0, 0)


@pytest.mark.parametrize("message", [b"\xff\xff", b"", pb.StreamRequest(open=pb.Open())])
async def test_a_message_that_makes_no_sense_ends_the_call_behind_its_answers(
    engine: Engine, direct: bool, message: pb.StreamRequest | bytes
) -> None:
    talk = await opened(engine, direct)
    talk.step(0, 1.0)
    talk.send(message)
    await talk.task
    assert (talk.status, talk.outputs) == ("INVALID_REQUEST", [(0, 1.0)])
    assert engine.readings().detached == 1


@pytest.mark.parametrize("message", [b"\xff\xff", b"", pb.StreamRequest(close=pb.Close())])
async def test_a_call_begins_with_an_open(
    engine: Engine, direct: bool, message: pb.StreamRequest | bytes
) -> None:
    talk = Talk(engine, direct=direct)
    talk.send(message)
    await talk.task
    assert (talk.status, talk.events) == ("INVALID_REQUEST", [])


async def test_a_step_that_the_service_fails_on_ends_the_call_behind_the_others(
    engine: Engine, direct: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    talk = await opened(engine, direct)
    submit = engine.submit

    def fails(stream: Stream, step: Step) -> None:
        if step.number == 1:
            raise ZeroDivisionError("no such luck")
        submit(stream, step)

    monkeypatch.setattr(engine, "submit", fails)
    talk.step(0, 1.0)
    talk.step(1, 1.0)
    async with asyncio.timeout(PATIENCE):
        await talk.task
    assert (talk.status, talk.outputs) == ("SERVER_FAILED", [(0, 1.0)])
    assert "ZeroDivisionError" in caplog.text


async def test_a_draining_server_answers_what_it_has_accepted(engine: Engine, direct: bool) -> None:
    talk = await opened(engine, direct)
    talk.step(0, 1.0)
    await talk.turns(1)
    talk.step(1, 1.0)
    engine.drain()  # before that step is read
    await talk.task
    assert talk.status == "SERVER_DRAINING"
    assert sorted(talk.events) == ["going_away", "opened", "output"]
    assert talk.outputs == [(0, 1.0)]


async def test_a_client_that_made_no_sense_is_told_so_though_the_server_drains(
    engine: Engine, direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = await opened(engine, direct)
    monkeypatch.setattr(engine, "submit", lambda stream, step: None)
    talk.step(0, 1.0)
    talk.send(b"\xff\xff")
    await talk.turns()
    engine.drain()
    talk.call.answer(refusal(0))
    async with asyncio.timeout(PATIENCE):
        await talk.task
    assert (talk.status, talk.events) == ("INVALID_REQUEST", ["opened", "error"])


async def test_a_stream_taken_over_ends_its_call(engine: Engine, direct: bool) -> None:
    talk = await opened(engine, direct)
    talk.step(0, 1.0)
    await talk.turns()
    thief = Connection()
    await engine.open(request("robot", Mode.RESUME), thief)
    talk.step(1, 1.0)
    await talk.task
    assert (talk.status, talk.outputs) == ("STREAM_TAKEN_OVER", [(0, 1.0)])
    assert not thief.answers


async def test_a_call_whose_caller_has_lost_its_right_ends(engine: Engine, direct: bool) -> None:
    talk = await opened(engine, direct)
    talk.call.end(Unauthenticated("withdrawn"))
    await talk.task
    assert talk.status == "UNAUTHENTICATED"
    assert engine.readings().detached == 1


async def test_a_call_that_is_cancelled_leaves_its_stream_detached(
    engine: Engine, direct: bool
) -> None:
    talk = await opened(engine, direct)
    talk.task.cancel()
    await until(talk.task.done)
    assert engine.readings().detached == 1
