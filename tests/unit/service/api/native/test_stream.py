"""Steps of one stream on its call."""

from __future__ import annotations

import pytest

from service.core.directory import Directory
from service.engine import Engine
from service.lanes.lanes import Lanes
from tests.fakes import MODEL, WINDOW, accumulator_lane
from tests.lone import Talk, opened, refusal
from tests.replicas import Replica, Shared, until


@pytest.fixture
def engine() -> Engine:
    return Engine(
        Lanes({MODEL: accumulator_lane(model=MODEL)}, {}), Directory(limit=4, idle_limit=600.0)
    )


async def test_steps_are_answered_in_order_behind_the_opening(engine: Engine, direct: bool) -> None:
    talk = Talk(engine, direct=direct)
    talk.open()
    for step in range(2 * WINDOW):
        talk.step(step, 1.0)
    await talk.turns(60)
    assert talk.events == ["opened"] + ["output"] * 2 * WINDOW
    assert talk.outputs == [(step, step + 1.0) for step in range(2 * WINDOW)]
    talk.close()
    await talk.task
    assert talk.status == "OK"


@pytest.mark.parametrize("turns", [0, 20], ids=["to be written", "waiting for its client"])
async def test_no_answer_overtakes_another(
    engine: Engine, direct: bool, turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = await opened(engine, direct)
    monkeypatch.setattr(engine, "submit", lambda stream, step: None)
    for step in range(2):
        talk.step(step, 1.0)
    await talk.turns()
    talk.reads.clear()
    talk.call.answer(refusal(0))
    await talk.turns(turns)
    talk.reads.set()
    talk.call.answer(refusal(1))
    await talk.turns()
    assert [message.error.step for message in talk.heard[1:]] == [0, 1]
    talk.task.cancel()


async def test_a_client_that_does_not_read_is_read_no_further(engine: Engine, direct: bool) -> None:
    talk = await opened(engine, direct)
    talk.reads.clear()
    for step in range(5 * WINDOW):
        talk.step(step, 1.0)
    await talk.turns(100)
    assert talk.taken <= WINDOW + 2
    talk.reads.set()
    await talk.turns(200)
    assert talk.outputs == [(step, step + 1.0) for step in range(5 * WINDOW)]


async def test_the_opening_comes_first_though_its_client_reads_late(
    engine: Engine, direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = Talk(engine, direct=direct)
    monkeypatch.setattr(engine, "submit", lambda stream, step: None)
    talk.reads.clear()
    talk.open()
    talk.step(0, 1.0)
    await talk.turns()
    assert talk.events == []
    talk.reads.set()
    talk.call.answer(refusal(0))
    await talk.turns()
    assert talk.events == ["opened", "error"]
    talk.task.cancel()


async def test_what_becomes_durable_is_told_with_outputs_and_without(direct: bool) -> None:
    replica = Replica(Shared())
    talk = await opened(replica.engine, direct)
    talk.step(0, 1.0)
    await until(lambda: "durable" in talk.events)
    talk.step(1, 1.0)
    await until(lambda: len(talk.outputs) == 2)
    assert talk.heard[-1].output.durable_step == 1


async def test_what_is_durable_is_told_behind_a_step_that_is_refused(
    engine: Engine, direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer says nothing of it."""
    talk = await opened(engine, direct)
    monkeypatch.setattr(engine, "submit", lambda stream, step: None)
    talk.step(7, 1.0)
    await talk.turns()
    talk.call.durable(1)
    await talk.turns()
    assert talk.events == ["opened"]
    talk.call.answer(refusal(7))
    await talk.turns()
    assert talk.events == ["opened", "error", "durable"]
    talk.hang_up()
    await talk.task


async def test_a_sync_stream_is_answered_from_the_store(direct: bool) -> None:
    replica = Replica(Shared())
    talk = await opened(replica.engine, direct, sync=True)
    replica.line.cut = True
    talk.step(0, 1.0)
    await talk.turns()
    assert talk.outputs == []
    replica.line.cut = False
    await until(lambda: talk.outputs == [(0, 1.0)])
    assert talk.heard[-1].output.durable_step == 1
