"""Sequences of Triton's API whose server is killed: each numbered timestep takes effect once."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np

from stepwire.inference import inference_pb2 as pb
from stepwire.inference import inference_pb2_grpc as pb_grpc
from torture.diary import Account, Diary, account
from torture.package import FEATURES
from torture.processes import Reborn
from torture.promises import promised
from torture.proxy import proxied
from torture.raw import FAST, OVER
from torture.stores import STORES
from torture.witness import Observation, Witness

_INTERVAL = 0.01
"""Seconds between two timesteps of a sequence."""
_AGAIN = 0.05
"""Seconds before what failed is tried again."""
_PATIENCE = 60.0


class Broken(Exception):
    """The call ended before the answer came."""


class Line:
    """One streaming call after another, each for many sequences."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._call: (
            grpc.aio.StreamStreamCall[pb.ModelInferRequest, pb.ModelStreamInferResponse] | None
        ) = None
        self._waiting: dict[str, asyncio.Future[pb.ModelStreamInferResponse | None]] = {}
        self._asked = 0
        self._writing = asyncio.Lock()

    async def run(self) -> None:
        """Calls again whenever the call ends, until cancelled."""
        async with grpc.aio.insecure_channel(self._address, options=FAST) as channel:
            stub = pb_grpc.GRPCInferenceServiceStub(channel)
            while True:
                self._call = stub.ModelStreamInfer()
                with suppress(grpc.aio.AioRpcError):
                    async for answer in self._call:
                        self._hear(answer)
                self._call = None
                for waiting in self._waiting.values():
                    waiting.set_result(None)
                self._waiting.clear()
                await asyncio.sleep(_AGAIN)

    def _hear(self, answer: pb.ModelStreamInferResponse) -> None:
        waiting = self._waiting.pop(answer.infer_response.id, None)
        promised(waiting is not None, f"an answer to {answer.infer_response.id!r}, not asked for")
        assert waiting
        waiting.set_result(answer)

    async def ask(self, message: pb.ModelInferRequest) -> pb.ModelStreamInferResponse:
        """Raises Broken."""
        self._asked += 1
        message.id = str(self._asked)
        waiting: asyncio.Future[pb.ModelStreamInferResponse | None]
        waiting = self._waiting[message.id] = asyncio.get_running_loop().create_future()
        try:
            async with self._writing:  # a call takes one message at a time
                if not self._call:
                    raise Broken
                await self._call.write(message)
        except (Broken, *OVER) as error:
            self._waiting.pop(message.id, None)
            raise Broken from error
        async with asyncio.timeout(_PATIENCE):
            answer = await waiting
        if answer is None:
            raise Broken
        return answer


class Sequence:
    """Steps on by number, whatever happens to its server, and keeps a diary."""

    def __init__(self, number: int, witness: Witness, line: Line) -> None:
        self.diary = Diary(number)
        self._witness = witness
        self._line = line
        self._step = 0
        self.went_back = 0
        """How often the server had less of it than its client."""

    async def run(self, until: asyncio.Event) -> None:
        while not until.is_set():
            try:
                answer = await self._line.ask(self._request())
            except Broken:
                await asyncio.sleep(_AGAIN)
            else:
                await self._take(answer)

    async def _take(self, answer: pb.ModelStreamInferResponse) -> None:
        if not answer.error_message:
            self._note(_observed(answer.infer_response))
            self._step += 1
            await asyncio.sleep(_INTERVAL)
        elif "next_step" in answer.infer_response.parameters:
            due = answer.infer_response.parameters["next_step"].int64_param
            promised(due <= self._step, f"step {due} is due of {self._step} that were sent")
            self.went_back += 1
            self._step = due
        else:
            lost = "sequence_start" in answer.error_message and self._step > 0
            promised(not lost, f"a sequence of {self._step} steps is gone: {answer.error_message}")
            await asyncio.sleep(_AGAIN)

    def _note(self, seen: Observation) -> None:
        if self._step < len(self.diary.seen):
            promised(seen == self.diary.seen[self._step], "a timestep was answered differently")
        else:
            self.diary.note(seen, time.monotonic())

    def _request(self) -> pb.ModelInferRequest:
        message = pb.ModelInferRequest(model_name=self._witness.name)
        message.parameters["sequence_id"].int64_param = self.diary.number + 1
        message.parameters["step"].int64_param = self._step
        if self._step == 0:
            message.parameters["sequence_start"].bool_param = True
        message.inputs.add(name="x", datatype="FP32", shape=(1, FEATURES))
        row = self._witness.input(self.diary.number, self._step)
        message.raw_input_contents.append(row.tobytes())
        return message


def _observed(answer: pb.ModelInferResponse) -> Observation:
    names = [output.name for output in answer.outputs]
    contents = dict(zip(names, answer.raw_output_contents, strict=True))
    return Observation(contents["y"], int(np.frombuffer(contents["taken"], "<i8")[0]))


@dataclass(frozen=True, slots=True)
class SequenceCrashes:
    crashes: int
    account: Account
    went_back: int
    """Times that a sequence was sent again from an older timestep."""
    longest_pause: float
    """Seconds between two answers of a sequence, restarts included."""
    seconds: float


async def crash_under_sequences(
    ground: Path, *, store: str, crashes: int, sequences: int, up: tuple[float, float], seed: int
) -> SequenceCrashes:
    """Kills the server after a random time from `up`, in seconds, and starts it on its port.

    `store`: one of STORES. `sequences`: on two connections. Raises PromiseBroken.
    """
    witness = Witness(ground / "repository")
    source = random.Random(seed)
    started = time.monotonic()
    with STORES[store](ground) as url:
        flags = ("--store", url, "--takeover-wait", "0.3")
        with Reborn(witness.repository, *flags, log=ground / "server.log") as server:
            async with proxied(server) as proxy:
                lines = [Line(proxy.address), Line(proxy.address)]
                talking = [
                    Sequence(number, witness, lines[number % 2]) for number in range(sequences)
                ]
                over = asyncio.Event()
                async with asyncio.TaskGroup() as calls:
                    calling = [calls.create_task(line.run()) for line in lines]
                    async with asyncio.TaskGroup() as tasks:
                        for each in talking:
                            tasks.create_task(each.run(over))
                        for _ in range(crashes):
                            await asyncio.sleep(source.uniform(*up))
                            await server.crash()
                            proxy.cut()
                        await _progress(talking)
                        over.set()
                    for task in calling:
                        task.cancel()
    diaries = [each.diary for each in talking]
    done = account(witness, diaries)
    done.hold()
    return SequenceCrashes(
        crashes,
        done,
        sum(each.went_back for each in talking),
        max(diary.longest_pause for diary in diaries),
        time.monotonic() - started,
    )


async def _progress(talking: list[Sequence]) -> None:
    """Waits until each has made five timesteps more. Raises TimeoutError."""
    goals = [len(each.diary.seen) + 5 for each in talking]
    async with asyncio.timeout(_PATIENCE):
        while any(len(each.diary.seen) < goal for each, goal in zip(talking, goals, strict=True)):
            await asyncio.sleep(_AGAIN)
