"""Streams of one client that share a call: less work for the server, and the same answers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import stepwire
from service.core.model import Array
from tests import networks
from tests.e2e.conftest import Start
from torture.processes import Reborn, Server
from torture.proxy import proxied
from torture.scrape import ANYWHERE, HttpPort

STREAMS, STEPS = 48, 24


async def opened(
    client: stepwire.Client, count: int, stack: contextlib.AsyncExitStack, model: str = "gru"
) -> list[stepwire.Stream]:
    """Opened together."""
    streams = [client.stream(model) for _ in range(count)]
    for stream in streams:
        stack.push_async_exit(stream)
    await asyncio.gather(*(stream.open() for stream in streams))
    return streams


async def in_step(streams: Sequence[stepwire.Stream], inputs: Array) -> list[list[bytes]]:
    """The outputs of each stream for inputs [streams, T, F]; all step at the same time."""
    answers = [
        await asyncio.gather(*(s.step(x) for s, x in zip(streams, inputs[:, t], strict=True)))
        for t in range(inputs.shape[1])
    ]
    return [[np.asarray(row).tobytes() for row in column] for column in zip(*answers, strict=True)]


async def test_steps_that_are_ready_together_run_together_with_the_same_outputs(
    start: Start,
) -> None:
    server = start(*ANYWHERE)
    http = HttpPort(server)
    inputs = networks.signal(STREAMS, STEPS, seed=5)
    outputs = {}
    batches = {}
    for coalesce in (False, True):
        before = http.metrics().total("stepwire_batches_total", model="gru")
        async with (
            stepwire.connect(server.address, coalesce=coalesce) as client,
            contextlib.AsyncExitStack() as stack,
        ):
            streams = await opened(client, STREAMS, stack)
            outputs[coalesce] = await in_step(streams, inputs)
        batches[coalesce] = http.metrics().total("stepwire_batches_total", model="gru") - before
    assert outputs[True] == outputs[False]
    assert batches[True] == STEPS < batches[False]


async def test_streams_of_several_models_share_a_call(server: Server) -> None:
    async with (
        stepwire.connect(server.address) as client,
        contextlib.AsyncExitStack() as stack,
    ):
        streams = [
            stream
            for model in ("gru", "lstm", "gru-deep")
            for stream in await opened(client, 4, stack, model)
        ]
        inputs = networks.signal(len(streams), STEPS, seed=6)
        together = await in_step(streams, inputs)
    async with stepwire.connect(server.address, coalesce=False) as client:
        for place, model in ((0, "gru"), (4, "lstm"), (8, "gru-deep")):
            async with client.stream(model) as alone:
                assert [np.asarray(await alone.step(x)).tobytes() for x in inputs[place]] == (
                    together[place]
                )


async def test_a_refused_step_and_a_refused_stream_concern_no_other(server: Server) -> None:
    async with (
        stepwire.connect(server.address) as client,
        contextlib.AsyncExitStack() as stack,
    ):
        first, second = await opened(client, 2, stack, "accumulator")
        with pytest.raises(stepwire.StreamExists):
            await client.stream("accumulator", stream_id=first.id).open()
        with pytest.raises(stepwire.ModelNotFound):
            await client.stream("missing").open()
        refused, total = await asyncio.gather(
            first.step([np.nan]), second.step([2.0]), return_exceptions=True
        )
        assert isinstance(refused, stepwire.InvalidInput)
        assert total == [2.0]
        assert await first.step([3.0]) == [3.0]


async def test_a_stream_taken_over_ends_alone(server: Server) -> None:
    async with (
        stepwire.connect(server.address) as client,
        stepwire.connect(server.address) as other,
        contextlib.AsyncExitStack() as stack,
    ):
        first, second = await opened(client, 2, stack, "accumulator")
        await first.step([1.0])
        async with other.stream(
            "accumulator", stream_id=first.id, token=first.token, mode="resume"
        ) as thief:
            assert thief.next_step == 1
            with pytest.raises(stepwire.StreamTakenOver):
                await first.step([1.0])
            assert await second.step([5.0]) == [5.0]
            assert await thief.step([1.0]) == [2.0]


async def test_a_stream_that_ends_in_the_middle_leaves_the_others(server: Server) -> None:
    async with (
        stepwire.connect(server.address) as client,
        contextlib.AsyncExitStack() as stack,
    ):
        streams = await opened(client, 4, stack, "accumulator")
        await asyncio.gather(*(stream.step([1.0]) for stream in streams))
        await streams[0].close()
        await streams[1].detach()
        (late,) = await opened(client, 1, stack, "accumulator")
        totals = await asyncio.gather(*(each.step([1.0]) for each in (*streams[2:], late)))
        assert [float(total[0]) for total in totals] == [2.0, 2.0, 1.0]
        with pytest.raises(stepwire.StreamNotFound):
            await client.stream(
                "", stream_id=streams[0].id, token=streams[0].token, mode="resume"
            ).open()
        again = client.stream("", stream_id=streams[1].id, token=streams[1].token, mode="resume")
        await again.open()
        assert await again.step([1.0]) == [2.0]
        await again.close()


async def test_all_go_on_after_their_connection_was_cut(server: Server) -> None:
    async with (
        proxied(server) as proxy,
        stepwire.connect(proxy.address) as client,
        contextlib.AsyncExitStack() as stack,
    ):
        streams = await opened(client, STREAMS, stack, "accumulator")
        for step in range(1, 31):
            if not step % 10:
                proxy.cut()
            totals = await asyncio.gather(*(stream.step([1.0]) for stream in streams))
            assert {float(total[0]) for total in totals} == {float(step)}


async def test_all_go_on_after_the_server_was_killed(repository: Path, tmp_path: Path) -> None:
    flags = ("--store", f"sqlite:{tmp_path / 'store'}", "--takeover-wait", "0.05")
    with Reborn(repository, *flags, log=tmp_path / "log") as server:
        async with (
            stepwire.connect(server.address) as client,
            contextlib.AsyncExitStack() as stack,
        ):
            streams = await opened(client, STREAMS, stack, "accumulator")
            for step in range(1, 31):
                if not step % 10:
                    await server.crash()
                totals = await asyncio.gather(*(stream.step([1.0]) for stream in streams))
                assert {float(total[0]) for total in totals} == {float(step)}


async def test_tensors_larger_than_a_message_may_be_travel_in_several(server: Server) -> None:
    inputs = np.random.default_rng(0).standard_normal((160, 2**14)).astype(np.float32)
    async with (
        stepwire.connect(server.address) as client,
        contextlib.AsyncExitStack() as stack,
    ):
        streams = await opened(client, len(inputs), stack, "wide")
        outputs = await asyncio.gather(
            *(stream.step(x) for stream, x in zip(streams, inputs, strict=True))
        )
    for output, x in zip(outputs, inputs, strict=True):
        assert np.array_equal(np.asarray(output), x)
