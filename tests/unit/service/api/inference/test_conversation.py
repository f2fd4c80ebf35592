"""Requests on their way to sequences."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest

from service.access.credentials import ANYONE, Credential
from service.api.inference.conversation import Conversation, read
from service.core.directory import Directory
from service.core.errors import InvalidRequest, ModelNotFound, ServiceError
from service.core.model import Array, Signature
from service.core.steps import Answer, StepError
from service.core.streams import ModelKey
from service.engine import Engine
from service.lanes.lane import Lane
from service.lanes.lanes import Lanes
from service.runtime.accumulator import accumulate
from service.runtime.stepper import Stepper
from service.sequences.request import SequenceRequest
from service.sequences.sequences import Sequences
from stepwire.inference import inference_pb2 as pb
from tests.fakes import MODEL, accumulator_lane, number, value
from tests.sequences import PATIENCE
from tests.unit.service.api.inference.specs import spec

DOUBLE = ModelKey("double", 1)


def stateless(model: ModelKey = DOUBLE) -> Lane:
    """Gives twice its input."""

    def double(feeds: Mapping[str, Array]) -> Sequence[Array]:
        return [2 * feeds["x"]]

    signature = Signature((spec(shape=(1,)),), (spec("y", shape=(1,)),), ())
    return Lane(model, "", Stepper(double, signature), window=4, max_batch=8)


class Call:
    """One call, and what it is told."""

    gone = False

    def __init__(
        self,
        caller: Credential = ANYONE,
        clock: Callable[[], float] = time.monotonic,
        max_streams: int = 1_000,
    ) -> None:
        self.lanes = Lanes({MODEL: accumulator_lane(), DOUBLE: stateless()}, {})
        self.engine = Engine(self.lanes, Directory(limit=8, idle_limit=600.0), clock=clock)
        sequences = Sequences(self.engine, 60.0, max_streams)
        self.conversation = Conversation(self.engine, sequences, caller)
        self._told: asyncio.Queue[tuple[str, float | str]] = asyncio.Queue()

    def read(self, request: SequenceRequest, lane: Lane) -> None:
        read(request, lane)

    def answered(self, request: SequenceRequest, answer: Answer, lane: Lane) -> None:
        if isinstance(answer, StepError):
            self._tell(request, answer.message)
        else:
            self._tell(request, value(answer.outputs[0]))

    def refused(self, request: SequenceRequest, error: ServiceError) -> None:
        self._tell(request, str(error))

    def _tell(self, request: SequenceRequest, what: float | str) -> None:
        self._told.put_nowait((request.tag.id.decode(), what))

    def turn_away(self, id_: bytes, size: int, error: ServiceError) -> None:
        self._told.put_nowait((id_.decode(), str(error)))

    async def told(self) -> tuple[str, float | str]:
        async with asyncio.timeout(PATIENCE):
            return await self._told.get()

    async def add(self, x: float, id_: str = "", **said: Any) -> float | str:
        self.conversation.hear(request(x, id_, **said), self)
        told, what = await self.told()
        assert told == id_
        return what


def request(
    x: float,
    id_: str = "",
    *,
    sequence: int = 7,
    start: bool = False,
    model: str = MODEL.name,
    version: str = "",
    shape: tuple[int, ...] = (1, 1),
    step: int | None = None,
    timeout: int | None = None,
) -> bytes:
    """`timeout`: in microseconds."""
    message = pb.ModelInferRequest(model_name=model, model_version=version, id=id_)
    if sequence:
        message.parameters["sequence_id"].int64_param = sequence
    if start:
        message.parameters["sequence_start"].bool_param = True
    if step is not None:
        message.parameters["step"].int64_param = step
    if timeout is not None:
        message.parameters["timeout"].int64_param = timeout
    message.inputs.add(name="x", datatype="FP32", shape=shape)
    message.raw_input_contents.append(number(x))
    return message.SerializeToString(deterministic=True)


async def test_requests_go_to_their_sequences_and_answers_have_their_ids() -> None:
    call = Call()
    assert await call.add(1.0, "a", start=True) == 1.0
    assert await call.add(5.0, "b", start=True, sequence=8) == 5.0
    assert await call.add(2.0, "c") == 3.0
    assert await call.add(2.0, "d", sequence=8) == 7.0


async def test_requests_like_an_earlier_one_are_not_parsed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    call = Call()
    await call.add(1.0, "a", start=True)
    await call.add(1.0, "b")
    monkeypatch.setattr("service.api.inference.requests.parameters", lambda message: 1 / 0)
    assert [await call.add(float(x), str(x)) for x in range(3)] == [2.0, 3.0, 5.0]


async def test_a_sequence_goes_on_at_a_version_that_takes_no_new_ones() -> None:
    call = Call()
    await call.add(1.0, start=True)
    call.lanes.retire(MODEL)
    assert await call.add(1.0) == 2.0
    assert "takes no new" in str(await call.add(1.0, sequence=8, start=True))


async def test_what_is_wrong_is_told_behind_what_came_before_it() -> None:
    call = Call()
    for data in (request(1.0, "a", start=True), request(1.0, "b", shape=(1, 2)), request(1.0, "c")):
        call.conversation.hear(data, call)
    told = [await call.told() for _ in range(3)]
    assert [id_ for id_, _ in told] == ["a", "b", "c"]
    assert "one timestep of one sequence" in str(told[1][1])
    assert told[2][1] == 2.0


@pytest.mark.parametrize("wrong", [{"version": "newest"}, {"step": -1}, {"timeout": -1}])
async def test_whatever_is_wrong_with_a_start_it_ends_what_there_was(wrong: dict[str, Any]) -> None:
    call = Call()
    await call.add(1.0, start=True)
    call.conversation.hear(request(1.0, "before"), call)
    call.conversation.hear(request(1.0, "wrong", start=True, **wrong), call)
    call.conversation.hear(request(1.0, "behind"), call)
    told = [await call.told() for _ in range(3)]
    assert [id_ for id_, _ in told] == ["before", "wrong", "behind"]
    assert told[0][1] == 2.0
    assert "sequence_start" not in str(told[1][1])
    assert "sequence_start" in str(told[2][1])


async def test_what_is_wrong_with_a_request_of_no_sequence_is_told() -> None:
    call = Call()
    for wrong, reason in (({"step": -1}, "no step -1"), ({"version": "newest"}, "a version is")):
        assert reason in str(await call.add(1.0, model="double", sequence=0, **wrong))


async def test_a_request_of_no_sequence_is_not_run_behind_its_timeout() -> None:
    call = Call(clock=itertools.count().__next__)  # a second passes whenever it is looked at
    late = await call.add(1.0, model="double", sequence=0, timeout=500_000)
    assert "was late by" in str(late)


@pytest.mark.parametrize("gone", [True, False])
async def test_a_request_of_no_sequence_that_does_not_run_is_in_nobody_s_way(gone: bool) -> None:
    call, other = Call(max_streams=1), Call()  # so that all share a stream
    other.gone = gone
    lane = call.engine.named(DOUBLE.name, None)
    wanted = request(4.0, model="double", sequence=0)
    call.conversation.hear(wanted, call)
    for _ in range(2):
        call.conversation.hear(request(4.0, model="double", sequence=0, shape=(1, 2)), other)
    async with asyncio.timeout(PATIENCE):
        while not lane.stream_counts.opened:
            await asyncio.sleep(0)
    call.conversation.hear(wanted, call)
    assert [await call.told() for _ in range(2)] == [("", 8.0), ("", 8.0)]
    assert lane.stream_counts.opened == 1


async def test_a_request_of_no_sequence_runs_on_the_version_that_its_turn_finds() -> None:
    call = Call(max_streams=1)
    heard = partial(call.conversation.hear, request(4.0, model="double", sequence=0), call)
    heard()
    heard()
    newer = stateless(ModelKey(DOUBLE.name, 2))
    call.lanes.put(newer)
    call.lanes.retire(DOUBLE)
    heard()
    assert [await call.told() for _ in range(3)] == [("", 8.0)] * 3
    assert [lane.model for lane in call.lanes if lane.model.name == DOUBLE.name] == [newer.model]
    assert newer.stream_counts.opened == 1


async def test_a_model_without_states_needs_no_sequence() -> None:
    call = Call()
    assert await call.add(4.0, model="double", sequence=0) == 8.0
    assert await call.add(4.0, model="double", sequence=7, start=True) == 8.0
    assert "sequence_id" in str(await call.add(1.0, sequence=0))


async def test_a_model_that_the_credential_does_not_cover_does_not_exist() -> None:
    call = Call(Credential("one", b"", "", ("double",)))
    assert "no model 'accumulator', only double" in str(await call.add(1.0, start=True))
    assert await call.add(1.0, model="double", sequence=0) == 2.0


async def test_unary_requests_are_refused_by_raising() -> None:
    call = Call()
    with pytest.raises(ModelNotFound):
        call.conversation.ask(pb.ModelInferRequest(model_name="nope"), call)
    with pytest.raises(InvalidRequest, match="a version is"):
        call.conversation.ask(pb.ModelInferRequest(model_name=DOUBLE.name, model_version="x"), call)


TWO_OUTPUTS = ModelKey(MODEL.name, 2)


def reordered() -> Lane:
    """The accumulator with an output more, in front of its own."""
    former = accumulator_lane().signature
    signature = Signature(former.inputs, (spec("more"), *former.outputs), former.states)

    def step(feeds: Mapping[str, Array]) -> Sequence[Array]:
        total, _ = accumulate(feeds)
        return [np.zeros((len(total), 2), np.float32), total, total]

    return Lane(TWO_OUTPUTS, "", Stepper(step, signature), window=4, max_batch=8)


async def test_a_request_is_read_for_the_version_that_answers_it() -> None:
    call = Call()
    call.lanes.put(reordered())
    call.conversation.hear(request(1.0, "a", start=True, version="1"), call)
    call.conversation.hear(request(2.0, "b"), call)
    assert [await call.told() for _ in range(2)] == [("a", 1.0), ("b", 3.0)]
    assert "name no other version" in str(await call.add(1.0, version="2"))


async def test_a_request_of_a_model_that_is_not_there_says_so() -> None:
    assert "there is no model 'nope', only" in str(await Call().add(1.0, model="nope"))
