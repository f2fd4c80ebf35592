"""A recorded stream that is asked again, in virtual time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest

from loadtest.account import Account, merge
from loadtest.interval import Interval, together
from loadtest.recording.comparison import Result
from loadtest.recording.part import Part, Stage, Timing
from loadtest.recording.recording import Recording
from stepwire.recording.v1 import recording_pb2 as rec
from stepwire.v1 import stream_pb2 as pb
from tests.recordings import begun, floats, opened, step, taped
from tests.virtual_time import VirtualLoop

STEP = 0.001
"""Seconds that the server takes."""
BUSY = 0.3
"""Seconds in which this process does something else."""


class Server:
    """A channel and its call: answers each step after a millisecond with -step, or stalls."""

    def __init__(self, stall: tuple[float, float] = (0.0, 0.0), refuses: int | None = None) -> None:
        """`stall`: from when until when nothing is answered. `refuses`: this step."""
        self.asked: list[tuple[float, pb.Step]] = []
        self.closed = False
        self._stall = stall
        self._refuses = refuses
        self._due: deque[Any] = deque()
        """In order, which timers of one moment do not keep."""
        self._answers: asyncio.Queue[Any] = asyncio.Queue()

    def stream_stream(self, method: str, *_: object, **__: object) -> Any:
        return lambda **__: self

    unary_unary = unary_stream = stream_unary = stream_stream

    async def write(self, request: pb.StreamRequest) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        if request.HasField("open"):
            self._answers.put_nowait(pb.StreamResponse(opened=opened(exact=True)))
            return
        begin, end = self._stall
        wait = (end - now if begin <= now < end else 0.0) + STEP
        if request.HasField("step"):
            self.asked.append((now, request.step))
            self._due.append(self._answer(request.step))
        else:
            self.closed = True
            self._due.append(grpc.aio.EOF)
        loop.call_later(wait, lambda: self._answers.put_nowait(self._due.popleft()))

    def _answer(self, asked: pb.Step) -> pb.StreamResponse:
        if asked.step == self._refuses:
            error = pb.StepError(step=asked.step, code=pb.StepError.CODE_RUN_FAILED, message="no")
            return pb.StreamResponse(error=error)
        output = pb.Output(step=asked.step, outputs=[floats(-float(asked.step))], batch_size=1)
        return pb.StreamResponse(output=output)

    async def read(self) -> Any:
        return await self._answers.get()

    async def done_writing(self) -> None:
        pass

    def cancel(self) -> None:
        pass

    def add_done_callback(self, callback: object) -> None:
        pass


class Played:
    def __init__(self, result: Result, intervals: dict[int, Interval]) -> None:
        self.result = result
        self.total = together(list(intervals.values()))


def played(
    path: Path,
    records: Sequence[rec.Record],
    server: Server,
    *,
    speed: float | None = 1.0,
    stop_at: float | None = None,
    busy_from: float | None = None,
) -> Played:
    """The first stream of a recording. `busy_from`: when this process turns to something else."""

    async def play(recording: Recording) -> Played:
        loop, account = asyncio.get_running_loop(), Account(0.25)
        assert isinstance(loop, VirtualLoop)
        channel: Any = server
        recorded = recording.streams[0]
        stage = Stage(
            recording=recording,
            channel=channel,
            metadata=(),
            model=None,
            version=None,
            atol=None,
            timing=Timing(recorded.steps.asked_us(0), speed),
            account=account,
            now=loop.time,
        )
        part = Part(stage, 0, Result(recorded, len(recorded.steps)))
        await part.open()
        if stop_at is not None:
            loop.call_at(stop_at, part.stop)
        if busy_from is not None:
            loop.call_at(busy_from, lambda: loop.leap(BUSY))
        await part.play()
        intervals: dict[int, Interval] = {}
        merge(intervals, account.take())
        return Played(part.result, intervals)

    with Recording(taped(path / "r.rec", [begun(), *records])) as recording:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return runner.run(play(recording))


def every(period_us: int, count: int) -> list[rec.Record]:
    return [step(n, asked_us=500 + n * period_us, output=-float(n)) for n in range(count)]


@pytest.mark.parametrize(("speed", "period"), [(1.0, 0.01), (2.0, 0.005), (0.5, 0.02)])
def test_steps_are_asked_at_the_recorded_times(tmp_path: Path, speed: float, period: float) -> None:
    server = Server()
    done = played(tmp_path, every(10_000, 50), server, speed=speed)
    times = [at for at, _ in server.asked]
    assert times == pytest.approx([n * period for n in range(50)], abs=1e-5)
    assert (done.result.equal, done.result.failure) == (50, None)
    assert server.closed


def test_a_stall_is_in_the_latency_of_all_that_was_due_in_it(tmp_path: Path) -> None:
    """Though the window of four keeps most of them from being sent."""
    done = played(tmp_path, every(10_000, 100), Server(stall=(0.2, 0.7)))
    assert done.result.equal == done.total.answered == done.total.due == 100
    assert done.total.latency.maximum == pytest.approx(0.501, abs=2e-3)
    # 50 of 100 steps were due meanwhile, and waited for half of it in the mean.
    assert done.total.latency.mean > 0.5 * 0.25
    assert done.total.lateness.maximum < 1e-3


def test_a_step_that_is_sent_late_counts_from_when_it_was_due(tmp_path: Path) -> None:
    total = played(tmp_path, every(100_000, 10), Server(), busy_from=0.25).total
    # The step of 0.3 s is turned to at 0.55 s.
    assert total.lateness.maximum == pytest.approx(0.25, abs=1e-3)
    assert total.latency.maximum == pytest.approx(0.251, abs=1e-3)


def test_without_times_the_window_is_kept_full(tmp_path: Path) -> None:
    server = Server()
    played(tmp_path, every(10_000_000, 40), server, speed=None)
    assert server.asked[-1][0] == pytest.approx(9 * STEP, abs=1e-4)


def test_inputs_are_those_recorded_and_what_was_held_is_held_again(tmp_path: Path) -> None:
    server = Server()
    made = [step(0), step(1, verdict=rec.VERDICT_HELD), step(2, verdict=rec.VERDICT_LATE)]
    played(tmp_path, made, server)
    assert [asked.inputs for _, asked in server.asked] == [[floats(n)] for n in range(3)]
    assert [asked.verdict for _, asked in server.asked] == [0, pb.VERDICT_HELD, 0]


def test_the_first_output_that_differs_is_kept(tmp_path: Path) -> None:
    made = [step(0, output=-0.0), step(1, output=-1.5), step(2, output=-2.5), step(3, output=-3)]
    result = played(tmp_path, made, Server()).result
    assert (result.equal, result.different) == (2, 2)
    assert result.first and result.first[0] == 1
    assert str(result.first[1]) == "y[0] was -1.5 and is -1.0"


def test_an_answer_that_was_not_recorded_is_not_compared(tmp_path: Path) -> None:
    made = [step(0, output=-0.0), step(1, output=None), step(2, output=-2)]
    result = played(tmp_path, made, Server()).result
    assert (result.equal, result.uncompared, result.unanswered) == (2, 1, 0)


def test_a_step_that_is_refused_ends_the_stream_and_says_so(tmp_path: Path) -> None:
    done = played(tmp_path, every(10_000, 10), Server(refuses=4))
    assert (done.result.equal, done.result.unanswered) == (4, 6)
    assert done.result.failure == "step 4: no"
    assert done.total.errors == {"RunFailed": 1}


def test_a_server_that_falls_silent_is_given_up(tmp_path: Path) -> None:
    done = played(tmp_path, every(10_000, 4), Server(stall=(0.015, 1e6)))
    assert done.result.equal == 2
    assert done.result.failure == "step 2: no answer within 20 s"


def test_an_interrupt_ends_the_stream_and_is_no_failure(tmp_path: Path) -> None:
    server = Server()
    result = played(tmp_path, every(10_000, 100), server, stop_at=0.095).result
    assert (result.equal, result.failure) == (10, None)
    assert server.closed


def test_a_model_that_takes_something_else_is_not_asked(tmp_path: Path) -> None:
    server = Server()
    other = begun()
    other.begun.inputs[0].shape[:] = [3]
    result = played(tmp_path, [other, step(0)], server).result
    assert (server.asked, server.closed) == ([], True)
    assert result.failure == (
        "accumulator/1 does not fit: its inputs are x: float32[1], and those recorded x: float32[3]"
    )
