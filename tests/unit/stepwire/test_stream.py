"""The client against a server that does what a real one does seldom."""

from __future__ import annotations

import grpc
import pytest

import stepwire
from stepwire.v1 import stream_pb2 as pb
from tests.scripted import TWO_STEPS, Play, Scene, playing


async def idle(scene: Scene) -> None:
    await scene.opened()
    await scene.until_closed()


async def test_a_server_back_from_a_crash_is_given_what_it_lost_and_answers_go_on() -> None:
    again: list[pb.Step] = []

    async def before(scene: Scene) -> None:
        await scene.opened(durable=True)
        for total in (1.0, 3.0, 6.0):
            await scene.answer(await scene.step(), total, durable_step=1)
        await scene.vanish()

    async def after(scene: Scene) -> None:
        await scene.opened(1, durable=True, durable_step=1)
        for total in (3.0, 6.0, 10.0):
            step = await scene.step()
            again.append(step)
            await scene.answer(step, total, durable_step=1)
        await scene.until_closed()

    async with playing(before, after) as address, stepwire.connect(address) as client:
        async with client.stream("m") as stream:
            totals = [float((await stream.step([x]))[0]) for x in (1.0, 2.0, 3.0, 4.0)]
            assert stream.durable and stream.protected
            assert (stream.durable_step, stream.next_step) == (1, 4)
    assert totals == [1.0, 3.0, 6.0, 10.0]
    assert [step.step for step in again] == [1, 2, 3]
    assert [step.verdict for step in again] == [pb.VERDICT_ON_TIME] * 2 + [pb.VERDICT_UNSPECIFIED]


async def test_a_crash_that_took_more_than_is_kept_is_a_lost_state() -> None:
    async def before(scene: Scene) -> None:
        await scene.opened(durable=True)
        for _ in range(3):
            await scene.answer(await scene.step())
        await scene.vanish()

    async def after(scene: Scene) -> None:
        await scene.opened(durable=True)
        await scene.until_closed()

    async with playing(before, after) as address, stepwire.connect(address) as client:
        async with client.stream("m", replay_bytes=TWO_STEPS) as stream:
            protected = []
            for _ in range(3):
                await stream.step([0.0])
                protected.append(stream.protected)
            assert protected == [True, True, False]
            with pytest.raises(stepwire.StateLost, match="at step 0 and the inputs before step 1"):
                await stream.step([0.0])


async def test_a_replay_that_the_server_refuses_ends_the_stream() -> None:
    async def before(scene: Scene) -> None:
        await scene.opened(durable=True)
        await scene.answer(await scene.step())
        await scene.vanish()

    async def after(scene: Scene) -> None:
        await scene.opened(durable=True)
        await scene.error(await scene.step(), pb.StepError.CODE_INVALID_INPUT)
        await scene.until_closed()

    async with playing(before, after) as address, stepwire.connect(address) as client:
        async with client.stream("m") as stream:
            await stream.step([0.0])
            for _ in range(2):
                with pytest.raises(stepwire.StateLost, match="has lost step 0 and refuses it"):
                    await stream.step([0.0])


async def test_a_store_that_is_down_is_waited_for() -> None:
    async def down(scene: Scene) -> None:
        await scene.hear()
        await scene.refuse("STORE_DOWN", "no store", grpc.StatusCode.UNAVAILABLE)

    async def then_gone(scene: Scene) -> None:
        await scene.opened(durable=True)
        await scene.answer(await scene.step())
        await scene.vanish()

    async def back(scene: Scene) -> None:
        await scene.opened(1, durable=True, durable_step=1)
        await scene.answer(await scene.step(), 5.0)
        await scene.until_closed()

    async with playing(down, then_gone, down, back) as address:
        async with stepwire.connect(address) as client, client.stream("m") as stream:
            await stream.step([0.0])
            assert await stream.step([0.0]) == 5.0


async def test_a_store_that_stays_down_is_unavailable() -> None:
    async def down(scene: Scene) -> None:
        await scene.hear()
        await scene.refuse("STORE_DOWN", "no store", grpc.StatusCode.UNAVAILABLE)

    async with playing(afterwards=down) as address:
        async with stepwire.connect(address, retry_for=0.3) as client:
            with pytest.raises(stepwire.Unavailable, match="for 0.3 s: no store"):
                await client.stream("m").open()


async def test_a_stream_that_was_changed_from_outside_is_over() -> None:
    async def scene(scene: Scene) -> None:
        await scene.opened()
        await scene.answer(await scene.step())
        await scene.refuse("STREAM_CHANGED", "its state was reset", grpc.StatusCode.ABORTED)

    async with playing(scene) as address, stepwire.connect(address) as client:
        async with client.stream("m") as stream:
            await stream.step([0.0])
            for _ in range(2):
                with pytest.raises(stepwire.StreamChanged, match="its state was reset"):
                    await stream.step([0.0])


async def test_a_stream_that_was_handed_over_goes_on_with_the_other_version() -> None:
    asked = []

    async def former(scene: Scene) -> None:
        await scene.opened(durable=True, version=1)
        asked.append(scene.asked)
        await scene.answer(await scene.step())
        await scene.refuse("STREAM_MOVED", "version 2 has it", grpc.StatusCode.ABORTED)

    async def newer(scene: Scene) -> None:
        await scene.opened(1, durable=True, durable_step=1, version=2)
        asked.append(scene.asked)
        step = await scene.step()
        assert step.step == 1
        await scene.answer(step, 9.0, durable_step=1)
        await scene.until_closed()

    async with playing(former, newer) as address, stepwire.connect(address) as client:
        async with client.stream("m", version=1) as stream:
            await stream.step([0.0])
            assert stream.version == 1
            assert await stream.step([0.0]) == 9.0
            assert stream.version == 2
    assert [request.version for request in asked] == [1, 0]
    assert asked[1].mode == pb.OPEN_MODE_RECONNECT


async def test_a_stream_that_once_was_inexact_stays_so() -> None:
    def one_step(number: int, exact: bool) -> Play:
        async def play(scene: Scene) -> None:
            await scene.opened(number, exact=exact)
            await scene.answer(await scene.step())
            await scene.vanish()

        return play

    exact = []
    async with playing(
        one_step(0, True), one_step(1, False), one_step(2, True), afterwards=idle
    ) as address:
        async with stepwire.connect(address) as client, client.stream("m") as stream:
            for _ in range(3):
                await stream.step([0.0])
                exact.append(stream.exact)
            await stream.detach()
    assert exact == [True, False, False]


async def test_what_is_declared_reaches_the_server_on_every_open() -> None:
    asked = []

    async def first(scene: Scene) -> None:
        await scene.opened()
        asked.append((scene.asked.sync, scene.asked.rate_hz, scene.metadata["stepwire-route"]))
        await scene.vanish()

    async def second(scene: Scene) -> None:
        await scene.opened()
        asked.append((scene.asked.sync, scene.asked.rate_hz, scene.metadata["stepwire-route"]))
        await scene.answer(await scene.step())
        await scene.until_closed()

    async with playing(first, second) as address, stepwire.connect(address) as client:
        async with client.stream("m", stream_id="a:b.c-7", sync=True, rate_hz=50.0) as stream:
            await stream.step([0.0])
    assert asked == [(True, 50.0, "a:b.c-7")] * 2
