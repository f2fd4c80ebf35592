"""Bad input gets its exact error, and the state is as it was."""

from __future__ import annotations

from typing import Any

import grpc
import numpy as np
import pytest

from stepwire.v1 import stream_pb2 as pb
from tests.e2e.conftest import Start
from tests.e2e.wire import TOKEN, raw_call
from torture.processes import Server

METHOD = "/stepwire.v1.StreamInference/Stream"
INVALID = grpc.StatusCode.INVALID_ARGUMENT
LARGEST = np.finfo(np.float32).max
SIZES = "step 1 expects x: float32[1] (4 bytes); got"


def encoded(x: float, dtype: type = np.float32) -> bytes:
    return np.array([x], dtype).tobytes()


@pytest.mark.parametrize(
    ("name", "inputs", "code", "message"),
    [
        ("short", (b"abc",), pb.StepError.CODE_INVALID_INPUT, f"{SIZES} 3 bytes"),
        ("long", (b"abcde",), pb.StepError.CODE_INVALID_INPUT, f"{SIZES} 5 bytes"),
        ("none", (), pb.StepError.CODE_INVALID_INPUT, f"{SIZES} nothing"),
        (
            "two",
            (encoded(1), encoded(2)),
            pb.StepError.CODE_INVALID_INPUT,
            f"{SIZES} 4 bytes, 4 bytes",
        ),
        (
            "wrong-dtype",
            (encoded(1, np.float64),),
            pb.StepError.CODE_INVALID_INPUT,
            f"{SIZES} 8 bytes",
        ),
        (
            "nan",
            (encoded(np.nan),),
            pb.StepError.CODE_INVALID_INPUT,
            "step 1: input 'x' holds NaN or Inf",
        ),
        (
            "inf",
            (encoded(-np.inf),),
            pb.StepError.CODE_INVALID_INPUT,
            "step 1: input 'x' holds NaN or Inf",
        ),
        (
            "overflow",
            (encoded(float(LARGEST)),),
            pb.StepError.CODE_RESULT_NOT_FINITE,
            "step 1: its result is not finite, in 'total'",
        ),
    ],
)
async def test_a_bad_step_is_answered_in_the_stream_and_consumes_nothing(
    server: Server,
    name: str,
    inputs: tuple[bytes, ...],
    code: pb.StepError.Code.ValueType,
    message: str,
) -> None:
    async with raw_call(server.address) as call:
        await call.open(f"bad-{name}")
        start = float(LARGEST)
        assert await call.add(0, start) == start
        answer = await call.step(1, *inputs)
        assert answer.error == pb.StepError(step=1, code=code, message=message, next_step=1)
        assert await call.add(1, -start) == 0.0


async def test_steps_behind_an_error_get_a_gap_until_they_are_sent_again(server: Server) -> None:
    async with raw_call(server.address) as call:
        await call.open("gap")
        await call.send(step=pb.Step(step=0, inputs=[encoded(np.nan)]))
        for number in (1, 2):
            await call.send(step=pb.Step(step=number, inputs=[encoded(1.0)]))
        answers = [(await call.hear()).error for _ in range(3)]
        assert [answer.step for answer in answers] == [0, 1, 2]
        assert [answer.code for answer in answers[1:]] == [pb.StepError.CODE_STEP_GAP] * 2
        assert answers[2].message == "step 2 is ahead of the stream: send step 0"
        assert [await call.add(number, 1.0) for number in range(3)] == [1.0, 2.0, 3.0]


async def test_a_repeated_step_gets_its_first_answer_and_a_changed_one_a_conflict(
    server: Server,
) -> None:
    async with raw_call(server.address) as call:
        await call.open("repeat")
        first = await call.step(0, encoded(5.0))
        again = await call.step(0, encoded(5.0))
        assert again.output.outputs == first.output.outputs
        assert again.output.batch_size == 0
        changed = await call.step(0, encoded(6.0))
        assert changed.error.code == pb.StepError.CODE_STEP_CONFLICT
        for number in range(1, 10):
            await call.add(number, 0.0)
        old = await call.step(0, encoded(5.0))
        assert old.error.code == pb.StepError.CODE_STEP_TOO_OLD
        assert await call.add(10, 1.0) == 6.0


def opening(**change: object) -> pb.StreamRequest:
    fields = {"model": "accumulator", "stream_id": "refused", "token": TOKEN} | change
    return pb.StreamRequest(open=pb.Open(**fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("request_", "failure"),
    [
        (
            opening(model="nope"),
            (
                grpc.StatusCode.NOT_FOUND,
                "there is no model 'nope', only accumulator, gru, gru-deep, lstm, lstm-deep, "
                "memoryless, mixer, neighbourly, rnn, wide",
                "MODEL_NOT_FOUND",
            ),
        ),
        (
            opening(version=9),
            (
                grpc.StatusCode.NOT_FOUND,
                "model 'accumulator' has no version 9, only 1, 2",
                "MODEL_NOT_FOUND",
            ),
        ),
        (
            opening(stream_id="a b"),
            (INVALID, "stream id 'a b' is not 1 to 128 characters of A-Za-z0-9._:-"),
        ),
        (opening(token=b"short"), (INVALID, "a token has 16 bytes, this one 5")),
        (opening(mode=9), (INVALID, "mode 9 is not known here")),
        (
            opening(mode=pb.OPEN_MODE_RESUME, token=b""),
            (INVALID, "resuming needs the stream's id and token"),
        ),
        (
            opening(mode=pb.OPEN_MODE_RESUME),
            (
                grpc.StatusCode.NOT_FOUND,
                "there is no stream 'refused' with this token",
                "STREAM_NOT_FOUND",
            ),
        ),
        (
            pb.StreamRequest(step=pb.Step(step=0)),
            (INVALID, "the first message of a call is `open`"),
        ),
        (pb.StreamRequest(), (INVALID, "the first message of a call is `open`")),
    ],
)
async def test_a_bad_open_is_refused_with_its_reason(
    server: Server, request_: pb.StreamRequest, failure: tuple[grpc.StatusCode, str, str]
) -> None:
    expected = failure if len(failure) == 3 else (*failure, "INVALID_REQUEST")
    async with raw_call(server.address) as call:
        await call.call.write(request_)
        assert await call.failure() == expected


async def test_a_second_open_ends_the_call_and_keeps_the_stream(server: Server) -> None:
    async with raw_call(server.address) as call:
        await call.open("twice")
        assert await call.add(0, 5.0) == 5.0
        await call.send(open=pb.Open(model="accumulator"))
        assert await call.failure() == (
            INVALID,
            "after `open`, a message is `step` or `close`",
            "INVALID_REQUEST",
        )
    async with raw_call(server.address) as call:
        assert (await call.open("twice", mode=pb.OPEN_MODE_RESUME)).next_step == 1
        assert await call.add(1, 1.0) == 6.0


async def test_garbage_bytes_end_the_call_and_keep_the_stream(server: Server) -> None:
    async with grpc.aio.insecure_channel(server.address) as channel:
        call: grpc.aio.StreamStreamCall[bytes, bytes] = channel.stream_stream(METHOD)()
        request = opening(stream_id="garbage")
        await call.write(request.SerializeToString())
        await call.read()
        step = pb.StreamRequest(step=pb.Step(step=0, inputs=[encoded(5.0)]))
        await call.write(step.SerializeToString())
        await call.read()
        await call.write(b"\xff\xff\xff\xff")
        assert await call.code() is INVALID
        assert "not a StreamRequest" in await call.details()
    async with raw_call(server.address) as again:
        assert (await again.open("garbage", mode=pb.OPEN_MODE_RESUME)).next_step == 1
        assert await again.add(1, 1.0) == 6.0


async def test_a_message_over_the_limit_ends_the_call_and_keeps_the_stream(
    server: Server,
) -> None:
    async with raw_call(server.address) as call:
        await call.open("large")
        assert await call.add(0, 5.0) == 5.0
        await call.send(step=pb.Step(step=1, inputs=[bytes(5 * 2**20)]))
        code, details, _ = await call.failure()
        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "larger than max" in details
    async with raw_call(server.address) as call:
        assert (await call.open("large", mode=pb.OPEN_MODE_RESUME)).next_step == 1


async def test_a_full_server_names_its_limit(start: Start) -> None:
    server = start("--max-streams", "1")
    async with raw_call(server.address) as first, raw_call(server.address) as second:
        await first.open("one")
        await second.send(open=pb.Open(model="accumulator", stream_id="two", token=TOKEN))
        assert await second.failure() == (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "this server keeps 1 streams and has no room for another: close some, wait for idle "
            "ones to expire, or raise --max-streams",
            "TOO_MANY_STREAMS",
        )
        await first.send(close=pb.Close())
        assert await first.call.code() is grpc.StatusCode.OK
    async with raw_call(server.address) as third:
        await third.open("two")


@pytest.mark.parametrize("method", ["StreamState/Get", "ModelRepository/List"])
async def test_bytes_that_are_no_request_are_an_invalid_one(server: Server, method: str) -> None:
    async with grpc.aio.insecure_channel(server.address) as channel:
        ask: Any = channel.unary_unary(f"/stepwire.v1.{method}")
        with pytest.raises(grpc.aio.AioRpcError, match="not a request of this method") as refused:
            await ask(b"\xff\xff")
    assert refused.value.code() is INVALID
