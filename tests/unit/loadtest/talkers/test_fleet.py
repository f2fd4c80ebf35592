"""Streams that share a call, at servers that play it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NoReturn

import grpc
import numpy as np
import pytest

from loadtest.inputs import Timesteps
from loadtest.schedule import Arrival
from loadtest.talkers.connection import Connection
from loadtest.talkers.fleet import FleetTalker
from stepwire.errors import TooManyStreams
from stepwire.v1 import stream_pb2 as pb
from stepwire.v1 import stream_pb2_grpc as pb_grpc
from tests.loads import load
from tests.scripted import SIGNATURE, WINDOW
from tests.unit.loadtest.talkers.ears import DEADLINE, Ears

Context = grpc.aio.ServicerContext[pb.FleetRequest, pb.FleetResponse]
Play = Callable[["Scene"], Awaitable[None]]


class Scene:
    """One fleet call, as the server has it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.sizes: list[int] = []
        """Of the messages of steps."""

    async def hear(self) -> pb.FleetRequest:
        message = await self._context.read()
        assert isinstance(message, pb.FleetRequest), "the client has hung up"
        return message

    async def opened(self) -> None:
        """Opens what is asked for; the handle is the tag and a hundred."""
        members = [
            pb.FleetMemberOpened(
                tag=member.tag,
                handle=100 + member.tag,
                opened=pb.Opened(
                    model="accumulator", version=1, window=WINDOW, signature=SIGNATURE
                ),
            )
            for member in (await self.hear()).open.members
        ]
        await self.say(pb.FleetResponse(opened=pb.FleetOpened(members=members)))

    async def say(self, message: pb.FleetResponse) -> None:
        await self._context.write(message)

    async def answer(self, steps: pb.FleetSteps) -> None:
        self.sizes.append(len(np.frombuffer(steps.handles, "<u4")))
        await self.say(
            pb.FleetResponse(
                outputs=pb.FleetOutputs(
                    handles=steps.handles,
                    steps=steps.steps,
                    outputs=steps.inputs,
                    batch_size=self.sizes[-1],
                )
            )
        )

    async def left(self, leave: pb.FleetLeave) -> None:
        for handle in leave.handles:
            await self.say(pb.FleetResponse(left=pb.FleetLeft(handle=handle)))

    async def vanish(self) -> None:
        await self._context.abort(grpc.StatusCode.UNAVAILABLE, "gone")

    async def answering(self) -> None:
        """Until all have left."""
        while True:
            message = await self.hear()
            if message.WhichOneof("event") == "leave":
                await self.left(message.leave)
                return
            await self.answer(message.steps)


class _Playing(pb_grpc.StreamInferenceServicer):
    def __init__(self, plays: list[Play]) -> None:
        self.plays = plays

    # The generated type knows generators only; grpc.aio also takes a coroutine.
    async def Fleet(  # type: ignore[override]  # noqa: N802  # the RPC's name
        self, request_iterator: object, context: Context
    ) -> None:
        await self.plays.pop(0)(Scene(context))

    def Stream(self, request_iterator: object, context: object) -> NoReturn:  # noqa: N802  # as above
        raise AssertionError("a fleet has no calls of single streams")


@asynccontextmanager
async def fleet(ears: Ears, *plays: Play, streams: int = 3) -> AsyncIterator[FleetTalker]:
    server = grpc.aio.server()
    pb_grpc.add_StreamInferenceServicer_to_server(_Playing(list(plays)), server)
    port = server.add_insecure_port("localhost:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"localhost:{port}") as channel:
            asked = load(model="accumulator", protocol="fleet")
            connection = Connection(channel, (), asked, Timesteps(seed=0))
            talker = FleetTalker(connection, range(streams), ears)
            try:
                yield talker
            finally:
                await talker.close()
    finally:
        await server.stop(None)


def due(talker: FleetTalker, *streams: int) -> None:
    for stream in streams:
        talker.due(Arrival(0.0, stream, 1.0))


async def usual(scene: Scene) -> None:
    await scene.opened()
    await scene.answering()


async def test_steps_that_are_due_together_travel_in_one_message() -> None:
    scenes: list[Scene] = []

    async def noted(scene: Scene) -> None:
        scenes.append(scene)
        await usual(scene)

    ears = Ears()
    async with fleet(ears, noted) as talker:
        served = await talker.open()
        assert (served.model, served.version) == ("accumulator", 1)
        due(talker, 0, 1, 2)
        await ears.until(3)
        due(talker, 1)
        await ears.until(4)
        assert await talker.close() == []
    assert scenes[0].sizes == [3, 1]
    assert [answer.batch_size for _, answer in ears.told] == [3, 3, 3, 1]
    assert {arrival.stream for arrival, _ in ears.told} == {0, 1, 2}


async def test_a_second_step_of_a_stream_travels_in_the_next_message() -> None:
    ears = Ears()
    async with fleet(ears, usual) as talker:
        await talker.open()
        due(talker, 0, 0, 1)
        await ears.until(3)
    assert [answer.batch_size for _, answer in ears.told] == [2, 2, 1]


async def test_streams_that_are_opened_for_nobody_leave() -> None:
    asked, broken_off = asyncio.Event(), asyncio.Event()
    left: list[int] = []

    async def late(scene: Scene) -> None:
        asked.set()
        await asyncio.wait_for(broken_off.wait(), DEADLINE)
        await scene.opened()
        leave = (await scene.hear()).leave
        left.extend(leave.handles)
        await scene.left(leave)

    async with fleet(Ears(), late) as talker:
        opening = asyncio.create_task(talker.open())
        await asyncio.wait_for(asked.wait(), DEADLINE)
        opening.cancel()
        await asyncio.wait([opening])
        broken_off.set()
        await talker.close()
        assert sorted(left) == [100, 101, 102]


async def test_a_refused_member_is_told() -> None:
    async def refusing(scene: Scene) -> None:
        members = [
            pb.FleetMemberOpened(
                tag=member.tag,
                refused=pb.FleetRefusal(error="TOO_MANY_STREAMS", message="full"),
            )
            for member in (await scene.hear()).open.members
        ]
        await scene.say(pb.FleetResponse(opened=pb.FleetOpened(members=members)))
        await scene.hear()

    async with fleet(Ears(), refusing) as talker:
        with pytest.raises(TooManyStreams):
            await talker.open()


async def test_a_call_that_breaks_loses_what_was_sent_and_is_opened_again() -> None:
    async def breaking(scene: Scene) -> None:
        await scene.opened()
        await scene.hear()
        await scene.vanish()

    ears = Ears()
    async with fleet(ears, breaking, usual, streams=1) as talker:
        await talker.open()
        due(talker, 0)
        await ears.until(1)
        due(talker, 0)
        await ears.until(2)
    assert [answer.error for _, answer in ears.told] == ["Unavailable", None]
    assert [answer.lost for _, answer in ears.told] == [True, False]


async def test_a_member_that_is_taken_away_is_opened_again() -> None:
    async def taking(scene: Scene) -> None:
        await scene.opened()
        await scene.hear()
        gone = pb.FleetRefusal(error="STREAM_MOVED", message="to a newer version")
        await scene.say(pb.FleetResponse(left=pb.FleetLeft(handle=100, refused=gone)))
        assert list((await scene.hear()).leave.handles) == [100]
        await scene.opened()
        await scene.answering()

    ears = Ears()
    async with fleet(ears, taking, streams=1) as talker:
        await talker.open()
        due(talker, 0)
        await ears.until(1)
        due(talker, 0)
        await ears.until(2)
    assert [answer.error for _, answer in ears.told] == ["StreamMoved", None]
    assert [answer.lost for _, answer in ears.told] == [True, False]


async def test_an_error_of_one_leaves_the_others() -> None:
    async def failing(scene: Scene) -> None:
        await scene.opened()
        steps = (await scene.hear()).steps
        error = pb.StepError(code=pb.StepError.CODE_RUN_FAILED, message="no", next_step=0)
        refused = pb.FleetErrors(errors=[pb.FleetError(handle=100, error=error)])
        await scene.say(pb.FleetResponse(errors=refused))
        rest = pb.FleetSteps(handles=steps.handles[4:], steps=steps.steps[8:])
        await scene.answer(rest)
        again = (await scene.hear()).steps
        assert np.frombuffer(again.steps, "<u8").tolist() == [0, 1]
        await scene.answer(again)
        await scene.answering()

    ears = Ears()
    async with fleet(ears, failing, streams=2) as talker:
        await talker.open()
        due(talker, 0, 1)
        await ears.until(2)
        due(talker, 0, 1)
        await ears.until(4)
    told = [(arrival.stream, answer.error) for arrival, answer in ears.told]
    assert told == [(0, "RunFailed"), (1, None), (0, None), (1, None)]
    assert not any(answer.lost for _, answer in ears.told), "the server refused it"


async def test_what_the_window_has_no_room_for_is_left_over() -> None:
    async def deaf(scene: Scene) -> None:
        await scene.opened()
        for _ in range(WINDOW):
            await scene.hear()
        full.set()
        await scene.left((await scene.hear()).leave)

    full = asyncio.Event()
    async with fleet(Ears(), deaf, streams=1) as talker:
        await talker.open()
        due(talker, *[0] * (WINDOW + 2))
        async with asyncio.timeout(DEADLINE):
            await full.wait()
        assert len(await talker.close()) == WINDOW + 2
