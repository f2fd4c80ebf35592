from __future__ import annotations

import asyncio

import grpc

from stepwire.call import Call
from stepwire.history import History
from stepwire.link import Link
from stepwire.sequence import Sequence
from stepwire.v1 import stream_pb2 as pb
from stepwire.v1 import stream_pb2_grpc as pb_grpc
from tests.scripted import Scene, playing


async def test_a_server_is_back_once_it_says_more_than_that_the_stream_is_open() -> None:
    heard: list[str] = []
    recovered, speak = asyncio.Event(), asyncio.Event()

    async def gone(scene: Scene) -> None:
        await scene.hear()
        await scene.vanish()

    async def back(scene: Scene) -> None:
        await scene.opened(durable=True)
        await speak.wait()
        await scene.durable(0)
        await scene.durable(0)
        await scene.until_closed()

    def on_connected(opened: pb.Opened) -> None:
        heard.append("connected")
        speak.set()

    def on_recovered() -> None:
        heard.append("recovered")
        recovered.set()

    async with playing(gone, gone, back) as address:
        async with grpc.aio.insecure_channel(address) as channel:
            stub: pb_grpc.StreamInferenceAsyncStub = pb_grpc.StreamInferenceStub(channel)
            link = Link(
                lambda: Call(stub.Stream()),
                pb.Open(model="m"),
                Sequence(History(0)),
                on_connected=on_connected,
                on_disconnected=lambda why: heard.append(f"disconnected: {why}"),
                on_recovered=on_recovered,
                on_ended=lambda why: heard.append("ended"),
            )
            await recovered.wait()
            await link.end(close=False, patience=5.0)
    assert heard == ["disconnected: gone"] * 2 + ["connected", "recovered", "ended"]
