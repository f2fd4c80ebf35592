"""Connections that break, hang, or are taken over: the stream goes on where it was."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys

import grpc
import numpy as np
import pytest

import stepwire
from stepwire.v1 import stream_pb2 as pb
from tests.e2e.conftest import Start
from tests.e2e.patience import until
from tests.e2e.wire import TOKEN, raw_call
from tests.networks import signal as noise
from torture.processes import Server
from torture.proxy import proxied
from torture.scrape import ANYWHERE, HttpPort

CLIENT = """
import asyncio, sys
import stepwire

async def main():
    async with stepwire.connect(sys.argv[1]) as client:
        async with client.stream("accumulator", stream_id="killed", token=bytes(range(16))) as s:
            while True:
                await s.step([1.0])
                print(s.next_step, flush=True)

asyncio.run(main())
"""


async def test_a_killed_client_leaves_its_stream_to_be_resumed(server: Server) -> None:
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT, server.address], stdout=subprocess.PIPE, text=True
    )
    assert client.stdout
    answered = [int(client.stdout.readline()) for _ in range(20)][-1]
    client.send_signal(signal.SIGKILL)
    answered = max([answered, *map(int, client.stdout.read().split())])
    client.wait()
    client.stdout.close()
    async with raw_call(server.address) as call:
        opened = await call.open("killed", mode=pb.OPEN_MODE_RESUME)
        assert opened.next_step in (answered, answered + 1)
        assert await call.add(opened.next_step, 0.0) == opened.next_step


async def test_a_cut_connection_is_resumed_inside_and_doubles_nothing(server: Server) -> None:
    inputs = noise(1, 300, seed=5)[0]
    async with stepwire.connect(server.address) as client, client.stream("gru") as stream:
        undisturbed = [await stream.step(x) for x in inputs]
    async with proxied(server) as proxy, stepwire.connect(proxy.address) as client:
        outputs = []
        async with client.stream("gru") as stream:
            for number, x in enumerate(inputs):
                if number % 50 == 25:
                    proxy.cut()
                outputs.append(await stream.step(x))
    assert np.array_equal(outputs, undisturbed)


async def test_steps_whose_answers_are_lost_are_answered_again_and_not_run_again(
    server: Server,
) -> None:
    replays = 0

    async def step(stream: stepwire.Stream) -> float:
        nonlocal replays
        total = float((await stream.step([1.0]))[0])
        assert stream.info
        replays += stream.info.batch_size == 0
        return total

    async with proxied(server) as proxy, stepwire.connect(proxy.address) as client:
        async with client.stream("accumulator") as stream:
            for turn in range(10):
                proxy.swallow_answers()
                steps = [asyncio.create_task(step(stream)) for _ in range(8)]
                await proxy.swallowed.wait()
                proxy.cut()
                totals = await asyncio.gather(*steps)
                assert totals == [8.0 * turn + position for position in range(1, 9)]
            assert stream.next_step == 80
            assert (await stream.step([0.0])).tolist() == [80.0]
    assert replays > 0


async def test_unavailable_after_retry_for_and_the_stream_stays_usable(server: Server) -> None:
    async with proxied(server) as proxy, stepwire.connect(proxy.address, retry_for=0.3) as client:
        async with client.stream("accumulator") as stream:
            await stream.step([1.0])
            proxy.down()
            with pytest.raises(stepwire.Unavailable, match="no server answered for 0.3 s"):
                await stream.step([2.0])
            assert stream.next_step == 2
            await proxy.up()
            async with asyncio.timeout(60):
                while True:
                    try:
                        total = await stream.step([0.0])
                        break
                    except stepwire.Unavailable:
                        continue
            assert total.tolist() == [3.0]


async def test_no_server_is_unavailable_after_retry_for(unused_tcp_port: int) -> None:
    async with stepwire.connect(f"127.0.0.1:{unused_tcp_port}", retry_for=0.2) as client:
        with pytest.raises(stepwire.Unavailable, match=r"no server answered for 0.2 s: .+"):
            await client.stream("accumulator").open()


async def test_a_server_that_starts_late_is_waited_for(
    server: Server, unused_tcp_port: int
) -> None:
    async with proxied(server) as proxy:
        proxy.down()
        async with stepwire.connect(proxy.address) as client:
            opening = asyncio.create_task(client.stream("accumulator").open())
            await asyncio.sleep(0.05)
            assert not opening.done()
            await proxy.up()
            async with asyncio.timeout(30):
                await opening


async def test_a_takeover_tells_the_first_which_does_not_come_back(server: Server) -> None:
    async with stepwire.connect(server.address) as client:
        # Often, as the news and a step that is being written can cross in several ways.
        for _ in range(200):
            async with client.stream("accumulator") as first:
                await first.step([1.0])
                resumed = client.stream(
                    "accumulator", stream_id=first.id, mode="resume", token=first.token
                )
                async with resumed as second:
                    assert second.next_step == 1
                    for _ in range(2):
                        with pytest.raises(stepwire.StreamTakenOver, match="another connection"):
                            await first.step([1.0])
                    assert (await second.step([1.0])).tolist() == [2.0]


async def test_a_client_that_was_away_during_the_takeover_does_not_take_the_stream_back(
    server: Server,
) -> None:
    async with proxied(server) as proxy, stepwire.connect(proxy.address) as away:
        first = away.stream("accumulator")
        await first.open()
        await first.step([1.0])
        proxy.down()
        async with stepwire.connect(server.address) as client:
            resumed = client.stream(
                "accumulator", stream_id=first.id, mode="resume", token=first.token
            )
            async with resumed as second:
                await proxy.up()
                with pytest.raises(stepwire.StreamTakenOver, match="another client since"):
                    await first.step([1.0])
                assert (await second.step([1.0])).tolist() == [2.0]


async def test_a_connection_that_only_opens_is_no_server(server: Server) -> None:
    async with proxied(server) as proxy, stepwire.connect(proxy.address, retry_for=1.5) as client:
        stream = client.stream("accumulator")
        await stream.open()
        proxy.cut_after(answered=150)
        with pytest.raises(stepwire.Unavailable, match="no server answered for 1.5 s"):
            await stream.step([1.0])
        proxy.cut_after(answered=None)
        async with asyncio.timeout(60):
            while stream.info is None:
                with contextlib.suppress(stepwire.Unavailable):
                    await stream.step([0.0])
        assert (await stream.step([0.0])).tolist() == [1.0]


async def test_a_backlog_is_not_taken_for_a_missing_server(server: Server) -> None:
    async with stepwire.connect(server.address, retry_for=0.05) as client:
        async with client.stream("accumulator") as stream:
            totals = await asyncio.gather(*(stream.step([1.0]) for _ in range(1000)))
            assert float(totals[-1][0]) == 1000.0


async def test_a_restart_takes_the_id_and_begins_again(server: Server) -> None:
    async with stepwire.connect(server.address) as client:
        async with client.stream("accumulator", stream_id="again") as first:
            await first.step([1.0])
            async with client.stream("accumulator", stream_id="again", mode="restart") as second:
                assert second.next_step == 0
                assert (await second.step([5.0])).tolist() == [5.0]
                with pytest.raises(stepwire.StreamTakenOver):
                    await first.step([1.0])


async def test_a_detached_stream_is_resumed_by_its_token_from_an_older_step(
    server: Server,
) -> None:
    async with stepwire.connect(server.address) as client:
        stream = client.stream("accumulator", stream_id="elsewhere")
        with pytest.raises(RuntimeError, match="leaves the block"):
            async with stream:
                for x in (1.0, 2.0, 3.0):
                    await stream.step([x])
                raise RuntimeError("leaves the block")
        with pytest.raises(stepwire.StreamClosed):
            await stream.step([1.0])
    async with stepwire.connect(server.address) as client:
        again = client.stream(
            "accumulator", stream_id="elsewhere", mode="resume", token=stream.token, from_step=1
        )
        async with again as resumed:
            assert (await resumed.step([2.0])).tolist() == [3.0]
            with pytest.raises(stepwire.StepConflict, match="other inputs"):
                await resumed.step([30.0])
            assert (await resumed.step([4.0])).tolist() == [10.0]


async def test_a_closed_stream_is_gone(server: Server) -> None:
    async with stepwire.connect(server.address) as client:
        async with client.stream("accumulator", stream_id="closed") as stream:
            await stream.step([1.0])
        with pytest.raises(stepwire.StreamNotFound, match="no stream 'closed' with this token"):
            await client.stream(
                "accumulator", stream_id="closed", mode="resume", token=stream.token
            ).open()


async def test_a_detached_stream_is_lost_after_the_idle_limit(start: Start) -> None:
    server = start("--idle-limit", "0.2")
    async with raw_call(server.address) as call:
        opened = await call.open("idle")
        assert opened.idle_limit_ms == 200
        await call.add(0, 1.0)
    await until_gone(server, "idle", "detached for more than 0.2 s and its state is gone")


async def test_a_half_open_connection_is_found_out_and_detached(start: Start) -> None:
    server = start("--keepalive", "0.3", "--keepalive-timeout", "2", *ANYWHERE)
    http = HttpPort(server)
    async with proxied(server) as proxy, raw_call(proxy.address) as call:
        await call.open("half-open")
        await call.add(0, 1.0)
        proxy.freeze()
        async with asyncio.timeout(12):  # by the defaults it would take 15 s
            await until(lambda: http.metrics().total("stepwire_streams", state="detached") == 1)
        async with raw_call(server.address) as again:
            assert (await again.open("half-open", mode=pb.OPEN_MODE_RESUME)).next_step == 1
            assert await again.add(1, 1.0) == 2.0


async def until_gone(server: Server, stream_id: str, message: str) -> None:
    """Waits until the stream has expired. Asks by a mode that touches no living stream."""
    async with asyncio.timeout(30):
        while True:
            async with raw_call(server.address) as call:
                await call.send(
                    open=pb.Open(
                        stream_id=stream_id,
                        mode=pb.OPEN_MODE_RESUME,
                        token=TOKEN,
                        model="another",
                    )
                )
                code, details, _ = await call.failure()
            if code is grpc.StatusCode.NOT_FOUND:
                assert message in details
                return
            assert "keeps it: open it without naming another model" in details
            await asyncio.sleep(0.02)


async def test_a_restarted_server_has_lost_the_state_and_says_so(start: Start) -> None:
    first = start()
    async with proxied(first) as proxy, stepwire.connect(proxy.address) as client:
        stream = client.stream("accumulator", stream_id="lost")
        await stream.open()
        await stream.step([1.0])
        second = start()
        first.kill()
        proxy.point_to(second)
        with pytest.raises(stepwire.StateLost, match="no stream 'lost'.*start over"):
            await stream.step([1.0])
