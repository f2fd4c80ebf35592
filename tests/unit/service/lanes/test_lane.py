from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pytest

from service.core.errors import StepFault
from service.core.lateness import LatePolicy
from service.core.model import Array
from service.core.steps import Step
from service.core.streams import Stream, StreamKey, hash_token
from service.lanes.lane import Lane
from service.runtime.accumulator import accumulate, accumulator_signature
from service.runtime.spilling import SpillingArena
from service.runtime.stepper import Stepper
from tests.fakes import MODEL, TOKEN, Connection, accumulator_lane, number, turn_of, value


def stream_on(lane: Lane) -> tuple[Stream, Connection]:
    owner = Connection()
    stream = Stream(StreamKey("", "robot"), hash_token(TOKEN), MODEL, LatePolicy.FLAG, owner)
    lane.start(stream)
    return stream, owner


def turn(lane: Lane) -> None:
    for owner, answer in turn_of(lane):
        owner.answer(answer)


def test_the_arena_grows_while_streams_keep_their_states() -> None:
    lane = accumulator_lane(max_batch=64)
    pairs = [stream_on(lane) for _ in range(5)]
    for index, (stream, _) in enumerate(pairs):
        lane.submit(stream, Step(0, (number(float(index)),), 0.0))
    turn(lane)
    more = [stream_on(lane) for _ in range(60)]
    for stream, _ in pairs:
        lane.submit(stream, Step(1, (number(100.0),), 0.0))
    turn(lane)
    assert [value(owner.outputs[1].outputs[0]) for _, owner in pairs] == [100, 101, 102, 103, 104]
    assert len({stream.slot for stream, _ in pairs + more}) == 65


def few_rows(rows: int) -> Lane:
    states = partial(SpillingArena, rows=rows, max_batch=rows)
    stepper = Stepper(accumulate, accumulator_signature(), states=states)
    return Lane(MODEL, "", stepper, window=4, max_batch=rows)


def test_more_streams_than_rows_take_turns_on_the_device() -> None:
    lane = few_rows(3)
    pairs = [stream_on(lane) for _ in range(8)]
    for step in range(4):
        for index, (stream, _) in enumerate(pairs):
            lane.submit(stream, Step(step, (number(float(index)),), 0.0))
        while lane.waiting:
            turn(lane)
    totals = [[value(output.outputs[0]) for output in owner.outputs] for _, owner in pairs]
    assert totals == [[index, 2 * index, 3 * index, 4 * index] for index in range(8)]
    reading = lane.reading(0)
    assert reading.device and (reading.slots, reading.device.used) == (8, 3)
    assert reading.device.counts.spilled == reading.device.counts.entered - 3 > 8


def test_a_stream_that_ends_during_its_run_leaves_a_free_row() -> None:
    lane = few_rows(2)
    (leaving, _), (staying, owner) = stream_on(lane), stream_on(lane)
    for stream in (leaving, staying):
        lane.submit(stream, Step(0, (number(1.0),), 0.0))
    run = lane.begin(0.0)
    lane.free(leaving)
    newcomer, other = stream_on(lane)
    lane.compute(run)
    for to, answer in lane.finish(run, 0.0):
        to.answer(answer)
    device = lane.reading(0).device
    assert device and device.used == 1
    lane.submit(newcomer, Step(0, (number(5.0),), 0.0))
    lane.submit(staying, Step(1, (number(1.0),), 0.0))
    turn(lane)
    assert [value(output.outputs[0]) for output in owner.outputs] == [1.0, 2.0]
    assert [value(output.outputs[0]) for output in other.outputs] == [5.0]


def test_a_run_that_raises_fails_every_step_and_touches_no_state(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = False

    def sometimes(feeds: Mapping[str, Array]) -> Sequence[Array]:
        if broken:
            raise RuntimeError("out of luck ; GPU=0 ; hostname=a")
        return accumulate(feeds)

    lane = Lane(MODEL, "", Stepper(sometimes, accumulator_signature()), window=4, max_batch=8)
    stream, owner = stream_on(lane)
    lane.submit(stream, Step(0, (number(1.0),), 0.0))
    turn(lane)
    broken = True
    with caplog.at_level(logging.CRITICAL):
        lane.submit(stream, Step(1, (number(1.0),), 0.0))
        turn(lane)
    assert owner.errors[0].fault is StepFault.RUN_FAILED
    assert owner.errors[0].message.endswith("the run failed: out of luck")
    broken = False
    lane.submit(stream, Step(1, (number(1.0),), 0.0))
    turn(lane)
    assert value(owner.outputs[1].outputs[0]) == 2.0


def test_a_freed_slot_is_lent_again_from_the_initial_state() -> None:
    lane = accumulator_lane()
    first, _ = stream_on(lane)
    lane.submit(first, Step(0, (number(5.0),), 0.0))
    turn(lane)
    first.hand_to(None)
    lane.free(first)
    second, owner = stream_on(lane)
    assert lane.next_step(second) == 0
    lane.submit(second, Step(0, (np.float32(1.0).tobytes(),), 0.0))
    turn(lane)
    assert value(owner.outputs[0].outputs[0]) == 1.0


def test_the_cost_of_a_step_is_that_of_a_lone_one() -> None:
    lane = accumulator_lane(max_batch=64)
    crowd = [stream_on(lane)[0] for _ in range(64)]
    first = lane.step_seconds
    for count in range(300):
        for stream in crowd:
            lane.submit(stream, Step(count, (number(1.0),), 0.0))
        turn(lane)
    assert lane.counts.ran == 300 * 64 and lane.spent > 0
    assert lane.step_seconds == first
    for count in range(300, 5300):
        lane.submit(crowd[0], Step(count, (number(1.0),), 0.0))
        turn(lane)
    assert lane.step_seconds > first


@pytest.mark.parametrize("method", ["take", "keep"])
def test_streams_are_told_where_memory_does_not_suffice_and_the_lane_goes_on(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_memory(*_: object) -> None:
        raise MemoryError

    lane = accumulator_lane()
    pairs = [stream_on(lane) for _ in range(2)]
    with monkeypatch.context() as patched:
        patched.setattr(Stepper, method, out_of_memory)
        for stream, _ in pairs:
            lane.submit(stream, Step(0, (number(1.0),), 0.0))
        turn(lane)
    for stream, owner in pairs:
        assert [error.fault for error in owner.errors] == [StepFault.RUN_FAILED]
        assert "MemoryError" in owner.errors[0].message
        lane.submit(stream, Step(0, (number(2.0),), 0.0))
    turn(lane)
    assert [value(owner.outputs[0].outputs[0]) for _, owner in pairs] == [2.0, 2.0]
