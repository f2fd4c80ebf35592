"""What is refused of a fleet, and what that leaves alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from service.engine import Engine
from stepwire.v1 import stream_pb2 as pb
from tests.fakes import WINDOW
from tests.fleets import Talk, fleet, two_models


@pytest.fixture
def engine() -> Engine:
    return two_models()


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
