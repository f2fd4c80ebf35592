"""Steps of many streams on one call."""

from __future__ import annotations

import numpy as np
import pytest

from service.core.blocks import BlockOutputs
from service.engine import Engine
from stepwire.v1 import stream_pb2 as pb
from tests.fakes import WINDOW, request
from tests.fleets import OTHER, Talk, fleet, two_models
from tests.replicas import Replica, Shared, until


@pytest.fixture
def engine() -> Engine:
    return two_models()


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


async def test_a_step_again_gets_its_first_answer(engine: Engine, direct: bool) -> None:
    talk, handles = await fleet(engine, 2, direct)
    for step in range(WINDOW + 1):
        talk.step(handles, [step, step], [1.0, 1.0])
        await talk.turns()
    talk.step(handles, [0, WINDOW], [1.0, 1.0])
    await talk.turns()
    assert [error.code for error in talk.errors(0)] == [pb.StepError.CODE_STEP_TOO_OLD]
    assert talk.outputs(1)[-2:] == [(WINDOW, WINDOW + 1.0)] * 2


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


async def test_no_answer_overtakes_one_that_waits_for_its_client(
    engine: Engine, direct: bool
) -> None:
    talk, handles = await fleet(engine, 2, direct)
    with talk.unanswered() as held:
        for step in range(2):
            talk.step(handles, [step] * 2, [1.0, 1.0])
        await talk.turns()
    talk.reads.clear()
    talk.call.answer(held[0])
    await talk.turns()
    talk.reads.set()
    talk.call.answer(held[1])
    await talk.turns()
    assert [talk.outputs(handle) for handle in handles] == [[(0, 1.0), (1, 2.0)]] * 2


async def test_an_opening_is_not_overtaken_though_its_client_reads_late(
    engine: Engine, direct: bool
) -> None:
    talk, handles = await fleet(engine, 2, direct)
    with talk.unanswered() as held:
        talk.step(handles, [0, 0], [1.0, 1.0])
        await talk.turns()
    talk.reads.clear()
    assert await talk.open("late") == []
    talk.reads.set()
    talk.call.answer(*held)
    await talk.turns()
    assert [message.WhichOneof("event") for message in talk.heard[1:]] == ["opened", "outputs"]


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
