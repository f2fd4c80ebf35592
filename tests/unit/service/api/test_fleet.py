from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
import pytest

from service.core.blocks import BlockOutputs
from service.core.directory import Directory
from service.core.streams import Mode, ModelKey
from service.engine import Engine
from service.lanes.lanes import Lanes
from stepwire.v1 import stream_pb2 as pb
from tests.fakes import MODEL, WINDOW, Connection, accumulator_lane, request
from tests.fleets import Talk
from tests.replicas import Replica, Shared, until

OTHER = ModelKey("other", 1)
MAX_BATCH = 8


@pytest.fixture
def engine() -> Engine:
    lanes = {key: accumulator_lane(model=key, max_batch=MAX_BATCH) for key in (MODEL, OTHER)}
    return Engine(Lanes(lanes, {}), Directory(limit=40, idle_limit=600.0))


async def fleet(engine: Engine, size: int, direct: bool) -> tuple[Talk, list[int]]:
    """A call with so many accumulators, and their handles."""
    talk = Talk(engine, direct=direct)
    members = await talk.open(*(f"s{index}" for index in range(size)))
    return talk, [member.handle for member in members]


async def test_streams_of_one_open_get_the_lowest_handles_and_neighbouring_slots(
    engine: Engine, direct: bool
) -> None:
    talk, handles = await fleet(engine, 5, direct)
    assert handles == list(range(5))
    rows = [talk.call.stream(handle).slot for handle in handles]
    assert [slot.row for slot in rows if slot] == list(range(5))


async def test_a_message_advances_each_of_its_streams_by_one_timestep(
    engine: Engine, direct: bool
) -> None:
    talk, handles = await fleet(engine, 3, direct)
    talk.step(handles, [0, 0, 0], [1.0, 2.0, 3.0])
    talk.step(handles[1:], [1, 1], [10.0, 20.0])
    await talk.turns()
    assert talk.outputs(0) == [(0, 1.0)]
    assert talk.outputs(1) == [(0, 2.0), (1, 12.0)]
    assert talk.outputs(2) == [(0, 3.0), (1, 23.0)]
    assert talk.heard[-2].outputs.batch_size == 3


async def test_more_entries_than_a_run_holds_are_answered_in_parts(
    engine: Engine, direct: bool
) -> None:
    talk, handles = await fleet(engine, 20, direct)
    for step in range(2):
        talk.step(handles, [step] * 20, [float(handle) for handle in handles])
    await talk.turns(60)
    for handle in handles:
        assert talk.outputs(handle) == [(0, float(handle)), (1, 2.0 * handle)]


async def test_a_stream_refused_leaves_the_others_open(engine: Engine, direct: bool) -> None:
    talk = Talk(engine, direct=direct)
    first, second = await talk.open("robot", "in valid")
    assert first.opened.next_step == 0
    assert second.refused.error == "INVALID_REQUEST"
    (third,) = await talk.open("robot-2", model="missing")
    assert third.refused.error == "MODEL_NOT_FOUND"


@pytest.mark.parametrize(
    ("step", "x", "code"),
    [
        (5, 1.0, pb.StepError.CODE_STEP_GAP),
        (0, 2.0, pb.StepError.CODE_STEP_CONFLICT),
        (1, float("nan"), pb.StepError.CODE_INVALID_INPUT),
        (2**64 - 1, 1.0, pb.StepError.CODE_STEP_GAP),
    ],
)
async def test_an_entry_that_is_refused_holds_up_no_other(
    engine: Engine, step: int, x: float, code: pb.StepError.Code.ValueType, direct: bool
) -> None:
    talk, handles = await fleet(engine, 3, direct)
    talk.step(handles, [0, 0, 0], [1.0, 1.0, 1.0])
    talk.step(handles, [1, step, 1], [2.0, x, 3.0])
    await talk.turns()
    assert talk.outputs(0) == [(0, 1.0), (1, 3.0)]
    assert talk.outputs(2) == [(0, 1.0), (1, 4.0)]
    (error,) = talk.errors(1)
    assert (error.step, error.code, error.next_step) == (step, code, 1)
    talk.step([1], [1], [1.0])
    await talk.turns()
    assert talk.outputs(1) == [(0, 1.0), (1, 2.0)]


async def test_a_step_again_gets_its_first_answer(engine: Engine, direct: bool) -> None:
    talk, handles = await fleet(engine, 2, direct)
    for step in range(WINDOW + 1):
        talk.step(handles, [step, step], [1.0, 1.0])
        await talk.turns()
    talk.step(handles, [0, WINDOW], [1.0, 1.0])
    await talk.turns()
    assert [error.code for error in talk.errors(0)] == [pb.StepError.CODE_STEP_TOO_OLD]
    assert talk.outputs(1)[-2:] == [(WINDOW, WINDOW + 1.0)] * 2


async def test_an_entry_beyond_its_window_is_refused_and_the_others_run(
    engine: Engine, direct: bool
) -> None:
    talk, handles = await fleet(engine, 2, direct)
    talk.reads.clear()
    for step in range(WINDOW):
        talk.step([0], [step], [1.0])
    talk.step(handles, [WINDOW, 0], [1.0, 5.0])
    await talk.turns()
    talk.reads.set()
    await talk.turns()
    assert [total for _, total in talk.outputs(0)] == [1.0, 2.0, 3.0, 4.0]
    assert [error.code for error in talk.errors(0)] == [pb.StepError.CODE_RESOURCE_EXHAUSTED]
    assert talk.outputs(1) == [(0, 5.0)]


async def test_a_client_that_does_not_read_is_read_no_further(engine: Engine, direct: bool) -> None:
    talk, handles = await fleet(engine, 2, direct)
    talk.reads.clear()
    for _ in range(500):
        talk.step(handles, [0, 0], [1.0, 1.0])
    await talk.turns(1000)
    assert talk.taken < 100
    talk.reads.set()
    await talk.turns(3000)
    assert talk.taken == 501


async def test_no_answer_overtakes_what_is_still_to_be_written(
    engine: Engine, direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk, handles = await fleet(engine, 2, direct)
    answer = talk.call.answer

    def behind_another(outputs: BlockOutputs) -> None:
        talk.call.tell(pb.FleetResponse(left=pb.FleetLeft(handle=7)))
        answer(outputs)

    monkeypatch.setattr(talk.call, "answer", behind_another)
    talk.step(handles, [0, 0], [1.0, 1.0])
    await talk.turns()
    assert [message.WhichOneof("event") for message in talk.heard[1:]] == ["left", "outputs"]


async def test_inputs_of_the_wrong_size_are_an_error_of_every_entry(
    engine: Engine, direct: bool
) -> None:
    talk, handles = await fleet(engine, 2, direct)
    talk.step(handles, [0, 2**64 - 1], [1.0, 2.0, 3.0])
    talk.step(handles, [0, 0], [1.0, 2.0])
    await talk.turns()
    for handle in handles:
        (error,) = talk.errors(handle)
        assert error.step == (2**64 - 1 if handle else 0)
        assert error.code == pb.StepError.CODE_INVALID_INPUT
        assert "8" in error.message and "12" in error.message
        assert len(talk.outputs(handle)) == 1


def unknown(talk: Talk) -> None:
    talk.step([7], [0], [1.0])


def twice(talk: Talk) -> None:
    talk.step([0, 0], [0, 1], [1.0, 1.0])


def unequal(talk: Talk) -> None:
    talk.step([0, 1], [0], [1.0, 1.0])


def uneven(talk: Talk) -> None:
    talk.say(steps=pb.FleetSteps(handles=b"abc"))


def unknown_leave(talk: Talk) -> None:
    talk.say(leave=pb.FleetLeave(handles=[9]))


def empty(talk: Talk) -> None:
    talk.say()


@pytest.mark.parametrize("mistake", [unknown, twice, unequal, uneven, unknown_leave, empty])
async def test_a_message_that_makes_no_sense_ends_the_call_and_loses_nothing(
    engine: Engine, mistake: Callable[[Talk], None], direct: bool
) -> None:
    talk, handles = await fleet(engine, 2, direct)
    talk.step(handles, [0, 0], [1.0, 2.0])
    mistake(talk)
    await talk.task
    assert talk.status == "INVALID_REQUEST"
    assert [talk.outputs(handle) for handle in handles] == [[(0, 1.0)], [(0, 2.0)]]
    again = Talk(engine, direct=direct)
    members = await again.open("s0", "s1", mode=pb.OPEN_MODE_RESUME)
    assert [member.opened.next_step for member in members] == [1, 1]


async def test_streams_of_several_models_share_a_call_but_no_message(
    engine: Engine, direct: bool
) -> None:
    talk = Talk(engine, direct=direct)
    await talk.open("a")
    await talk.open("b", model=OTHER.name)
    talk.step([0], [0], [1.0])
    talk.step([1], [0], [2.0])
    await talk.turns()
    assert (talk.outputs(0), talk.outputs(1)) == ([(0, 1.0)], [(0, 2.0)])
    talk.step([0, 1], [1, 1], [1.0, 1.0])
    await talk.task
    assert talk.status == "INVALID_REQUEST"


async def test_a_stream_taken_over_leaves_and_the_others_stay(engine: Engine, direct: bool) -> None:
    talk, handles = await fleet(engine, 2, direct)
    thief = Connection()
    talk.step(handles, [0, 0], [1.0, 1.0])
    await talk.turns()
    await engine.open(request("s0", Mode.RESUME), thief)
    talk.step(handles, [1, 1], [1.0, 1.0])
    await talk.turns()
    assert talk.left() == [(0, "STREAM_TAKEN_OVER")]
    assert talk.outputs(0) == [(0, 1.0)]
    assert talk.outputs(1) == [(0, 1.0), (1, 2.0)]
    assert not thief.answers


async def test_the_handle_of_a_lost_stream_is_given_again_once_its_client_knows(
    engine: Engine, direct: bool
) -> None:
    talk, _ = await fleet(engine, 2, direct)
    await engine.open(request("s0", Mode.RESUME), Connection())
    (other,) = await talk.open("new")
    assert other.handle == 2
    talk.say(leave=pb.FleetLeave(handles=[0]))
    (other,) = await talk.open("newer")
    assert other.handle == 0


async def test_a_waiting_step_of_a_lost_stream_is_not_run_on_its_heir(
    engine: Engine, direct: bool
) -> None:
    talk, _ = await fleet(engine, 1, direct)
    talk.step([0], [0], [7.0])
    await engine.open(request("s0", Mode.RESTART), Connection())
    talk.say(leave=pb.FleetLeave(handles=[0]))
    (heir,) = await talk.open("heir")
    assert heir.handle == 0
    talk.step([0], [0], [1.0])
    await talk.turns()
    assert talk.outputs(0) == [(0, 1.0)]


@pytest.mark.parametrize(("close", "after"), [(True, "STREAM_NOT_FOUND"), (False, "")])
async def test_a_stream_leaves_with_all_its_answers(
    engine: Engine, close: bool, after: str, direct: bool
) -> None:
    talk, handles = await fleet(engine, 2, direct)
    talk.reads.clear()
    talk.step(handles, [0, 0], [1.0, 1.0])
    talk.say(leave=pb.FleetLeave(handles=[1], close=close))
    await talk.turns()
    assert talk.left() == []
    talk.reads.set()
    await talk.turns()
    assert talk.left() == [(1, "")]
    assert talk.outputs(1) == [(0, 1.0)]
    (again,) = await talk.open("s1", mode=pb.OPEN_MODE_RESUME)
    assert again.refused.error == after
    assert again.opened.next_step == (0 if close else 1)


async def test_a_call_that_ends_leaves_its_streams_detached(engine: Engine, direct: bool) -> None:
    size = 3 * MAX_BATCH
    talk, handles = await fleet(engine, size, direct)
    talk.step(handles, [0] * size, [1.0] * size)
    talk.hang_up()
    await talk.task
    assert talk.status == "OK"
    assert [talk.outputs(handle) for handle in handles] == [[(0, 1.0)]] * size
    readings = engine.readings()
    assert (readings.attached, readings.detached) == (0, size)


async def test_a_call_that_is_cancelled_leaves_its_streams_detached(
    engine: Engine, direct: bool
) -> None:
    talk, _ = await fleet(engine, 2, direct)
    talk.task.cancel()
    await asyncio.wait([talk.task])
    readings = engine.readings()
    assert (readings.attached, readings.detached) == (0, 2)


async def test_a_draining_server_answers_what_it_has_accepted(engine: Engine, direct: bool) -> None:
    talk, handles = await fleet(engine, 2, direct)
    talk.step(handles, [0, 0], [1.0, 1.0])
    await talk.turns(1)
    talk.step(handles, [1, 1], [1.0, 1.0])
    engine.drain()  # before that message is read
    await talk.task
    assert talk.status == "SERVER_DRAINING"
    assert [talk.outputs(handle) for handle in handles] == [[(0, 1.0)]] * 2
    assert any(message.WhichOneof("event") == "going_away" for message in talk.heard)


async def test_a_late_entry_is_treated_by_the_policy_of_its_stream(
    engine: Engine, direct: bool
) -> None:
    talk = Talk(engine, direct=direct)
    await talk.open("flag")
    await talk.open("reject", late_policy=pb.LATE_POLICY_REJECT)
    await talk.open("hold", late_policy=pb.LATE_POLICY_HOLD)
    handles = [0, 1, 2]
    talk.step(handles, [0, 0, 0], [1.0, 1.0, 1.0])
    spent = {
        "budgets_us": np.array([1, 1, 1], "<u8").tobytes(),
        "ages_us": np.array([2, 2, 2], "<u8").tobytes(),
    }
    talk.step(handles, [1, 1, 1], [5.0, 5.0, 5.0], **spent)
    await talk.turns()
    assert talk.outputs(0) == [(0, 1.0), (1, 6.0)]
    assert [error.code for error in talk.errors(1)] == [pb.StepError.CODE_STEP_LATE]
    assert talk.outputs(2) == [(0, 1.0), (1, 1.0)]


async def test_a_replayed_entry_keeps_its_verdict(engine: Engine, direct: bool) -> None:
    talk, _ = await fleet(engine, 2, direct)
    talk.step([0, 1], [0, 0], [1.0, 1.0])
    verdicts = bytes([pb.VERDICT_HELD, pb.VERDICT_LATE])
    talk.step([0, 1], [1, 1], [5.0, 5.0], verdicts=verdicts)
    await talk.turns()
    assert talk.outputs(0) == [(0, 1.0), (1, 1.0)]
    assert talk.outputs(1) == [(0, 1.0), (1, 6.0)]


async def test_what_becomes_durable_is_told_with_and_without_outputs(direct: bool) -> None:
    replica = Replica(Shared())
    talk, handles = await fleet(replica.engine, 2, direct)
    talk.step(handles, [0, 0], [1.0, 1.0])

    def told() -> list[int]:
        messages = [each.durable for each in talk.heard if each.WhichOneof("event") == "durable"]
        return [
            handle
            for message in messages
            for handle, step in zip(
                np.frombuffer(message.handles, "<u4").tolist(),
                np.frombuffer(message.durable_steps, "<u8").tolist(),
                strict=True,
            )
            if step == 1
        ]

    await until(lambda: sorted(told()) == handles)
    talk.step(handles, [1, 1], [1.0, 1.0])
    await talk.turns()
    last = [each.outputs for each in talk.heard if each.WhichOneof("event") == "outputs"][-1]
    assert np.frombuffer(last.durable_steps, "<u8").tolist() == [1, 1]


async def test_a_sync_stream_in_a_fleet_is_answered_from_the_store(direct: bool) -> None:
    store = Shared()
    replica = Replica(store)
    talk = Talk(replica.engine, direct=direct)
    await talk.open("safe", sync=True)
    await talk.open("quick")
    replica.line.cut = True
    talk.step([0, 1], [0, 0], [1.0, 1.0])
    await until(lambda: bool(talk.outputs(1)))
    assert talk.outputs(0) == []
    replica.line.cut = False
    await until(lambda: talk.outputs(0) == [(0, 1.0)])
    assert store.step(request("safe").key) == 1


@pytest.mark.parametrize("verdict", [pb.VERDICT_LATE, pb.VERDICT_ON_TIME])
async def test_messages_of_one_turn_run_in_order_though_the_first_is_taken_entry_by_entry(
    engine: Engine, verdict: pb.Verdict.ValueType, direct: bool
) -> None:
    talk, handles = await fleet(engine, 2, direct)
    talk.step(handles, [0, 0], [1.0, 1.0], verdicts=bytes([verdict] * 2))
    talk.step(handles, [1, 1], [2.0, 2.0])
    await talk.turns()
    for handle in handles:
        assert talk.errors(handle) == []
        assert talk.outputs(handle) == [(0, 1.0), (1, 3.0)]
