from __future__ import annotations

import asyncio

import stepwire.sync
from tests.scripted import Scene, playing


async def test_the_same_without_async() -> None:
    def use(address: str) -> list[object]:
        with stepwire.sync.connect(address, credential="secret") as client:
            with client.stream("m", sync=True, on_unprotected="wait", replay_bytes=0) as stream:
                stream.step([0.0])
                return [stream.durable, stream.durable_step, stream.protected, stream.exact]

    async def scene(scene: Scene) -> None:
        await scene.opened(durable=True)
        assert scene.asked.sync
        assert scene.metadata["authorization"] == "Bearer secret"
        await scene.answer(await scene.step(), durable_step=1)
        await scene.until_closed()

    async with playing(scene) as address:
        assert await asyncio.to_thread(use, address) == [True, 1, True, True]
