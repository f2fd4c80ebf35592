from __future__ import annotations

import asyncio
from typing import Any

import pytest

from service.api.guard import Guard
from service.api.native import StreamCall
from service.core.directory import Directory
from service.core.errors import StepFault, Unauthenticated
from service.core.steps import Step, StepError
from service.core.streams import Mode, Stream
from service.engine import Engine
from service.lanes.lanes import Lanes
from stepwire.v1 import stream_pb2 as pb
from tests.fakes import MODEL, TOKEN, WINDOW, Connection, accumulator_lane, number, request, value
from tests.replicas import Replica, Shared, until
from tests.talking import Talking

PATIENCE = 20.0


@pytest.fixture
def engine() -> Engine:
    return Engine(
        Lanes({MODEL: accumulator_lane(model=MODEL)}, {}), Directory(limit=4, idle_limit=600.0)
    )


class Talk(Talking):
    """A client of one call."""

    def __init__(self, engine: Engine, *, direct: bool) -> None:
        super().__init__(direct=direct)
        self.heard: list[pb.StreamResponse] = []
        context: Any = self
        self.call = StreamCall(engine, Guard(), context)
        self.serve(self.call.serve)

    def heard_of(self, message: pb.StreamResponse) -> None:
        self.heard.append(message)

    def open(self, **options: Any) -> None:
        asked = pb.Open(model=MODEL.name, stream_id="robot", token=TOKEN, **options)
        self.send(pb.StreamRequest(open=asked))

    def step(self, step: int, x: float) -> None:
        self.send(pb.StreamRequest(step=pb.Step(step=step, inputs=[number(x)])))

    def close(self) -> None:
        self.send(pb.StreamRequest(close=pb.Close()))

    @property
    def events(self) -> list[str]:
        return [str(message.WhichOneof("event")) for message in self.heard]

    @property
    def outputs(self) -> list[tuple[int, float]]:
        found = (message.output for message in self.heard if message.HasField("output"))
        return [(output.step, value(output.outputs[0])) for output in found]


async def opened(engine: Engine, direct: bool, **options: Any) -> Talk:
    talk = Talk(engine, direct=direct)
    talk.open(**options)
    await talk.turns()
    assert talk.events == ["opened"]
    return talk


def refusal(step: int) -> StepError:
    return StepError(step, StepFault.STEP_GAP, "no", 0)


async def test_steps_are_answered_in_order_behind_the_opening(engine: Engine, direct: bool) -> None:
    talk = Talk(engine, direct=direct)
    talk.open()
    for step in range(2 * WINDOW):
        talk.step(step, 1.0)
    await talk.turns(60)
    assert talk.events == ["opened"] + ["output"] * 2 * WINDOW
    assert talk.outputs == [(step, step + 1.0) for step in range(2 * WINDOW)]
    talk.close()
    await talk.task
    assert talk.status == "OK"


async def test_no_answer_overtakes_one_that_waits_for_its_client(
    engine: Engine, direct: bool
) -> None:
    talk = await opened(engine, direct)
    talk.reads.clear()
    talk.step(0, 1.0)
    await talk.turns()
    talk.reads.set()
    talk.step(1, 1.0)
    await talk.turns()
    assert talk.outputs == [(0, 1.0), (1, 2.0)]


async def test_a_client_that_does_not_read_is_read_no_further(engine: Engine, direct: bool) -> None:
    talk = await opened(engine, direct)
    talk.reads.clear()
    for step in range(5 * WINDOW):
        talk.step(step, 1.0)
    await talk.turns(100)
    assert talk.taken <= WINDOW + 2
    talk.reads.set()
    await talk.turns(200)
    assert talk.outputs == [(step, step + 1.0) for step in range(5 * WINDOW)]


async def test_the_opening_comes_first_though_its_client_reads_late(
    engine: Engine, direct: bool
) -> None:
    talk = Talk(engine, direct=direct)
    talk.reads.clear()
    talk.open()
    talk.step(0, 1.0)
    await talk.turns()
    assert talk.events == []
    talk.reads.set()
    talk.step(1, 1.0)
    await talk.turns()
    assert talk.events == ["opened", "output", "output"]


async def test_no_answer_overtakes_one_that_is_still_to_be_written(
    engine: Engine, direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = await opened(engine, direct)
    monkeypatch.setattr(engine, "submit", lambda stream, step: None)
    for step in range(2):
        talk.step(step, 1.0)
    await talk.turns()
    talk.reads.clear()
    talk.call.answer(refusal(0))
    talk.reads.set()
    talk.call.answer(refusal(1))
    await talk.turns()
    assert [message.error.step for message in talk.heard[1:]] == [0, 1]
    talk.task.cancel()


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


async def test_what_becomes_durable_is_told_with_outputs_and_without(direct: bool) -> None:
    replica = Replica(Shared())
    talk = await opened(replica.engine, direct)
    talk.step(0, 1.0)
    await until(lambda: "durable" in talk.events)
    talk.step(1, 1.0)
    await until(lambda: len(talk.outputs) == 2)
    assert talk.heard[-1].output.durable_step == 1


async def test_what_is_durable_is_told_behind_a_step_that_is_refused(
    engine: Engine, direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer says nothing of it."""
    talk = await opened(engine, direct)
    monkeypatch.setattr(engine, "submit", lambda stream, step: None)
    talk.step(7, 1.0)
    await talk.turns()
    talk.call.durable(1)
    await talk.turns()
    assert talk.events == ["opened"]
    talk.call.answer(refusal(7))
    await talk.turns()
    assert talk.events == ["opened", "error", "durable"]
    talk.hang_up()
    await talk.task


async def test_a_sync_stream_is_answered_from_the_store(direct: bool) -> None:
    replica = Replica(Shared())
    talk = await opened(replica.engine, direct, sync=True)
    replica.line.cut = True
    talk.step(0, 1.0)
    await talk.turns()
    assert talk.outputs == []
    replica.line.cut = False
    await until(lambda: talk.outputs == [(0, 1.0)])
    assert talk.heard[-1].output.durable_step == 1
