"""Timesteps that wait until the inputs before them are in the store, or kept."""

from __future__ import annotations

import asyncio

import grpc
import numpy as np
import pytest

import stepwire
from stepwire.v1 import stream_pb2 as pb
from tests.scripted import TWO_STEPS, Scene, playing


async def test_who_waits_for_protection_goes_on_in_order_as_the_store_catches_up() -> None:
    saved = asyncio.Queue[int]()

    async def scene(scene: Scene) -> None:
        await scene.opened(durable=True)
        for number in range(6):
            step = await scene.step()
            assert step.step == number
            assert step.inputs[0] == np.float32(number).tobytes()
            await scene.answer(step, float(number))
            if number % 2:
                await scene.durable(await saved.get())
        await scene.until_closed()

    async with playing(scene) as address, stepwire.connect(address) as client:
        async with client.stream("m", on_unprotected="wait", replay_bytes=TWO_STEPS) as stream:
            steps = [asyncio.create_task(stream.step([float(n)])) for n in range(6)]
            for done in (2, 4):
                await asyncio.wait(steps[:done])
                assert stream.next_step == done and stream.protected
                assert not any(step.done() for step in steps[done:])
                saved.put_nowait(done)
            assert [float(y[0]) for y in await asyncio.gather(*steps)] == [0, 1, 2, 3, 4, 5]
            saved.put_nowait(6)


async def test_who_comes_as_the_store_catches_up_goes_behind_those_that_wait() -> None:
    go = asyncio.Event()

    async def scene(scene: Scene) -> None:
        await scene.opened(durable=True)
        await scene.answer(await scene.step())
        await go.wait()
        await scene.durable(1)
        for _ in range(2):
            step = await scene.step()
            await scene.answer(step, float(step.step), durable_step=step.step + 1)
        await scene.until_closed()

    async with playing(scene) as address, stepwire.connect(address) as client:
        async with client.stream("m", on_unprotected="wait", replay_bytes=0) as stream:
            await stream.step([0.0])
            first = asyncio.create_task(stream.step([1.0]))
            await asyncio.sleep(0)
            go.set()
            while stream.durable_step < 1:
                await asyncio.sleep(0)
            assert await stream.step([2.0]) == 2.0
            assert await first == 1.0


async def test_a_refused_step_lets_one_that_waits_for_protection_go() -> None:
    async def scene(scene: Scene) -> None:
        await scene.opened(durable=True)
        await scene.answer(await scene.step())
        await scene.error(await scene.step(), pb.StepError.CODE_INVALID_INPUT)
        await scene.answer(await scene.step(), 7.0)
        await scene.until_closed()

    async with playing(scene) as address, stepwire.connect(address) as client:
        async with client.stream("m", on_unprotected="wait", replay_bytes=TWO_STEPS) as stream:
            _, refused, third = await asyncio.gather(
                *(stream.step([0.0]) for _ in range(3)), return_exceptions=True
            )
            assert isinstance(refused, stepwire.InvalidInput)
            assert third == 7.0


async def test_who_waits_for_protection_is_told_when_the_stream_ends() -> None:
    go = asyncio.Event()

    async def scene(scene: Scene) -> None:
        await scene.opened(durable=True)
        await scene.answer(await scene.step())
        await go.wait()
        await scene.refuse(
            "STREAM_TAKEN_OVER", "another server has it from step 7", grpc.StatusCode.ABORTED
        )

    async with playing(scene) as address, stepwire.connect(address) as client:
        async with client.stream("m", on_unprotected="wait", replay_bytes=0) as stream:
            await stream.step([0.0])
            waiting = asyncio.create_task(stream.step([0.0]))
            await asyncio.sleep(0)
            go.set()
            with pytest.raises(stepwire.StreamTakenOver, match="from step 7"):
                await waiting


async def test_without_a_durable_store_nobody_waits_for_protection() -> None:
    async def scene(scene: Scene) -> None:
        await scene.opened()
        for _ in range(3):
            await scene.answer(await scene.step())
        await scene.until_closed()

    async with playing(scene) as address, stepwire.connect(address) as client:
        async with client.stream("m", on_unprotected="wait", replay_bytes=0) as stream:
            for _ in range(3):
                await stream.step([0.0])
            assert not stream.durable and not stream.protected
