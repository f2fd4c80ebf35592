"""The client library against a real server."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable

import numpy as np
import pytest

import stepwire
import stepwire.sync
from torture.processes import Server


async def test_a_stream_tells_its_id_step_token_and_signature(server: Server) -> None:
    async with stepwire.connect(server.address) as client:
        async with client.stream("accumulator", stream_id="robot-7") as stream:
            assert (stream.id, stream.next_step, stream.version) == ("robot-7", 0, 2)
            assert len(stream.token) == 16
            assert stream.info is None
            y = await stream.step(np.array([2.5], np.float32))
            assert y.tolist() == [2.5]
            assert stream.next_step == 1
            assert stream.info
            assert (stream.info.step, stream.info.verdict, stream.info.batch_size) == (
                0,
                "on_time",
                1,
            )
            assert repr(stream.signature.inputs) == "(x: float32[1],)"


async def test_several_inputs_and_outputs_go_by_name(server: Server) -> None:
    async with stepwire.connect(server.address) as client, client.stream("mixer") as stream:
        await stream.step({"signal": [1.0, 2.0], "gate": [True]})
        await stream.step({"signal": [9.0, 9.0], "gate": [False]})
        outputs = await stream.step({"gate": [True], "signal": [1.0, 1.0]})
    assert outputs["sum"].tolist() == [2.0, 3.0]
    assert outputs["count"].tolist() == [3]
    assert outputs["count"].dtype == np.int64


async def test_an_older_version_can_be_named(server: Server) -> None:
    async with stepwire.connect(server.address) as client:
        async with client.stream("accumulator", version=1) as stream:
            assert stream.version == 1


async def test_bad_input_raises_and_the_next_step_takes_the_number(server: Server) -> None:
    async with stepwire.connect(server.address) as client, client.stream("accumulator") as stream:
        await stream.step([1.0])
        with pytest.raises(stepwire.InvalidInput, match="does not take shape"):
            await stream.step([1.0, 2.0])
        with pytest.raises(stepwire.InvalidInput, match="NaN or Inf") as refused:
            await stream.step([np.nan])
        assert (refused.value.step, refused.value.next_step) == (1, 1)
        assert stream.next_step == 1
        assert (await stream.step([1.0])).tolist() == [2.0]


async def test_pipelined_steps_close_up_behind_a_refused_one(server: Server) -> None:
    async with stepwire.connect(server.address) as client, client.stream("accumulator") as stream:
        inputs = [1.0, 2.0, np.nan, 4.0, np.inf, 8.0, 16.0]
        results = await asyncio.gather(*(stream.step([x]) for x in inputs), return_exceptions=True)
        assert [
            type(r) if isinstance(r, Exception) else float(r[0])  # type: ignore[index]
            for r in results
        ] == [1.0, 3.0, stepwire.InvalidInput, 7.0, stepwire.InvalidInput, 15.0, 31.0]
        assert stream.next_step == 5


async def test_more_steps_than_the_window_wait_their_turn(server: Server) -> None:
    async with stepwire.connect(server.address) as client, client.stream("accumulator") as stream:
        totals = await asyncio.gather(*(stream.step([1.0]) for _ in range(100)))
        assert [float(total[0]) for total in totals] == [float(n) for n in range(1, 101)]


async def test_a_cancelled_step_keeps_its_number_and_takes_effect_once(server: Server) -> None:
    async with stepwire.connect(server.address) as client, client.stream("accumulator") as stream:
        step = asyncio.create_task(stream.step([5.0]))
        await asyncio.sleep(0)
        step.cancel()
        with pytest.raises(asyncio.CancelledError):
            await step
        assert stream.next_step == 1
        assert (await stream.step([1.0])).tolist() == [6.0]


@pytest.mark.parametrize("leave", [stepwire.Stream.close, stepwire.Stream.detach])
async def test_leaving_answers_what_is_unanswered_first(
    server: Server, leave: Callable[[stepwire.Stream], Awaitable[None]]
) -> None:
    async with stepwire.connect(server.address) as client, client.stream("accumulator") as stream:
        inputs = [1.0, np.nan, *[1.0] * 18]
        steps = [asyncio.create_task(stream.step([x])) for x in inputs]
        await asyncio.sleep(0)
        await leave(stream)
        first, refused, *others = await asyncio.gather(*steps, return_exceptions=True)
        assert isinstance(refused, stepwire.InvalidInput)
        assert [float(total[0]) for total in (first, *others)] == [  # type: ignore[index]
            float(n) for n in range(1, 20)
        ]


async def test_a_step_after_a_cancelled_close_says_that_the_stream_is_closed(
    server: Server,
) -> None:
    async with stepwire.connect(server.address) as client, client.stream("accumulator") as stream:
        closing = asyncio.create_task(stream.close())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait([closing])
        with pytest.raises(stepwire.StreamClosed):
            await stream.step([1.0])


async def test_a_closed_client_opens_nothing(server: Server) -> None:
    client = stepwire.connect(server.address)
    await client.close()
    with pytest.raises(stepwire.StreamClosed, match="connect again"):
        client.stream("accumulator")


async def test_closing_the_client_ends_an_open_under_way(unused_tcp_port: int) -> None:
    client = stepwire.connect(f"127.0.0.1:{unused_tcp_port}")
    opening = asyncio.create_task(client.stream("accumulator").open())
    await asyncio.sleep(0)
    await client.close()
    async with asyncio.timeout(30):
        with pytest.raises(stepwire.StreamClosed):
            await opening


async def test_steps_count_from_zero(server: Server) -> None:
    async with stepwire.connect(server.address) as client:
        with pytest.raises(ValueError, match="count from 0"):
            client.stream("accumulator", mode="resume", stream_id="x", token=b"x", from_step=-1)


async def test_existing_ids_and_unknown_models_have_their_names(server: Server) -> None:
    async with stepwire.connect(server.address) as client:
        async with client.stream("accumulator", stream_id="taken"):
            with pytest.raises(stepwire.StreamExists, match="resume it with its token"):
                await client.stream("accumulator", stream_id="taken").open()
        with pytest.raises(stepwire.ModelNotFound, match="no model 'nope', only accumulator"):
            await client.stream("nope").open()


async def test_a_stream_that_is_not_open_says_so(server: Server) -> None:
    async with stepwire.connect(server.address) as client:
        with pytest.raises(stepwire.StreamClosed, match="use it in `async with`"):
            await client.stream("accumulator").step([1.0])


async def test_closing_the_client_detaches_its_streams(server: Server) -> None:
    async with stepwire.connect(server.address) as client:
        stream = client.stream("accumulator", stream_id="left-open")
        await stream.open()
        await stream.step([1.0])
    async with stepwire.connect(server.address) as client:
        again = client.stream(
            "accumulator", stream_id="left-open", mode="resume", token=stream.token
        )
        async with again as resumed:
            assert resumed.next_step == 1


async def test_a_rejecting_stream_refuses_a_late_step(server: Server) -> None:
    async with stepwire.connect(server.address) as client:
        async with client.stream("accumulator", late="reject") as stream:
            with pytest.raises(stepwire.StepLate, match="step 0 was late by"):
                await stream.step([1.0], budget=0.0)
            assert (await stream.step([1.0], budget=60.0)).tolist() == [1.0]
            assert stream.info and stream.info.verdict == "on_time"


async def test_a_holding_stream_answers_a_late_step_with_the_output_before_it(
    server: Server,
) -> None:
    async with stepwire.connect(server.address) as client:
        async with client.stream("accumulator", late="hold") as stream:
            verdicts = []
            for x in (1.0, 50.0):
                assert (await stream.step([x], budget=0.0)).tolist() == [1.0]
                assert stream.info
                verdicts.append(stream.info.verdict)
            assert verdicts == ["late", "held"]
            assert (await stream.step([1.0])).tolist() == [2.0]


async def test_a_flagging_stream_runs_a_late_step(server: Server) -> None:
    async with stepwire.connect(server.address) as client, client.stream("accumulator") as stream:
        assert (await stream.step([1.0], budget=0.0)).tolist() == [1.0]
        assert stream.info and stream.info.verdict == "late"


def test_the_same_without_async(server: Server) -> None:
    with stepwire.sync.connect(server.address) as client:
        with client.stream("accumulator", stream_id="sync") as stream:
            assert stream.step([2.0]).tolist() == [2.0]
            assert stream.step([2.0], timeout=30).tolist() == [4.0]
            assert (stream.id, stream.next_step, stream.version) == ("sync", 2, 2)
            assert stream.info and stream.info.step == 1
            assert len(stream.signature.inputs) == 1
            with pytest.raises(stepwire.InvalidInput):
                stream.step([np.nan])
            stream.detach()
        with client.stream("accumulator", stream_id="sync", mode="resume", token=stream.token) as s:
            assert s.step([0.0]).tolist() == [4.0]
        with pytest.raises(stepwire.StreamNotFound):
            client.stream("accumulator", stream_id="sync", mode="resume", token=s.token).open()


def test_a_closed_client_says_so_and_may_be_closed_again(server: Server) -> None:
    with stepwire.sync.connect(server.address) as client:
        stream = client.stream("accumulator")
        stream.open()
        client.close()
    for act in (stream.close, lambda: stream.step([1.0]), lambda: client.stream("accumulator")):
        with pytest.raises(stepwire.StreamClosed):
            act()


def test_a_step_that_times_out_keeps_its_number(server: Server) -> None:
    with stepwire.sync.connect(server.address) as client:
        with client.stream("accumulator") as stream:
            with pytest.raises(stepwire.StepTimeout, match="no answer within 0 s"):
                stream.step([5.0], timeout=0)
            assert stream.next_step == 1
            assert stream.step([1.0]).tolist() == [6.0]


@pytest.mark.parametrize("budget", [-1.0, np.inf, np.nan])
async def test_a_budget_that_is_no_time_is_refused_and_the_stream_goes_on(
    server: Server, budget: float
) -> None:
    async with stepwire.connect(server.address) as client, client.stream("accumulator") as stream:
        with pytest.raises(ValueError, match="a budget is a number of seconds"):
            await stream.step([1.0], budget=budget)
        assert (await stream.step([1.0])).tolist() == [1.0]


async def test_a_stream_is_opened_once(server: Server) -> None:
    async with stepwire.connect(server.address) as client, client.stream("accumulator") as stream:
        with pytest.raises(stepwire.StreamClosed, match="opened once"):
            await stream.open()
        assert (await stream.step([1.0])).tolist() == [1.0]


async def test_resuming_without_a_token_is_refused_at_once(server: Server) -> None:
    async with stepwire.connect(server.address) as client:
        with pytest.raises(ValueError, match="needs the stream's id and token"):
            client.stream("accumulator", stream_id="x", mode="resume")


def test_a_client_without_async_that_closes_leaves_the_others_alone(server: Server) -> None:
    with stepwire.sync.connect(server.address) as staying:
        with staying.stream("accumulator") as stream:
            stream.step([1.0])
            for _ in range(3):
                with stepwire.sync.connect(server.address) as leaving:
                    with leaving.stream("accumulator") as other:
                        assert other.step([5.0]) == 5
            assert stream.step([1.0]) == 2
            assert sum(thread.name == "stepwire-clients" for thread in threading.enumerate()) == 1


def test_many_threads_may_connect_first_at_once(server: Server) -> None:
    script = f"""
import threading, stepwire.sync
failed, ready = [], threading.Barrier(16)
def step():
    ready.wait()
    try:
        with stepwire.sync.connect({server.address!r}) as client:
            with client.stream("accumulator") as stream:
                stream.step([1.0])
    except Exception as error:
        failed.append(error)
threads = [threading.Thread(target=step) for _ in range(16)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(len(failed))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("0\n", "")
