"""A served network at the motor, its stream made up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Literal, cast

import numpy as np
import pytest

from demo.pendulum.controller import controller
from demo.pendulum.loop import Answer, Reading
from stepwire import Client, InvalidInput, StepInfo


class FakeStream:
    """Answers every step with the same torque and verdict."""

    def __init__(
        self, torque: float = 0.5, verdict: Literal["on_time", "late", "held"] = "on_time"
    ) -> None:
        self.signature = SimpleNamespace(
            inputs=[SimpleNamespace(shape=(2,))], outputs=[SimpleNamespace(shape=(1,))]
        )
        self.info = StepInfo(0, verdict, batch_size=1, queued=0.0, computed=0.0)
        self.budgets: list[float] = []
        self.is_open = False
        self._torque = torque

    async def open(self) -> None:
        self.is_open = True

    async def close(self) -> None:
        self.is_open = False

    async def step(self, reading: Reading, *, budget: float) -> Any:
        self.budgets.append(budget)
        return np.array([self._torque], np.float32)


def client(stream: FakeStream) -> Client:
    return cast(Client, SimpleNamespace(stream=lambda model: stream))


async def answer(stream: FakeStream) -> Answer:
    async with controller(client(stream), "gru") as steer:
        return await steer(np.zeros(2, np.float32), 0.05)


async def test_a_reading_becomes_a_torque_under_a_budget() -> None:
    stream = FakeStream(torque=0.5)
    assert await answer(stream) == Answer(0.5, late=False)
    assert stream.budgets == [0.05]
    assert not stream.is_open


async def test_the_torque_is_what_the_motor_can_give() -> None:
    assert (await answer(FakeStream(torque=-7))).torque == -2.0


@pytest.mark.parametrize("verdict", ["late", "held"])
async def test_the_servers_verdict_is_passed_on(verdict: Literal["late", "held"]) -> None:
    assert (await answer(FakeStream(verdict=verdict))).late


async def test_the_stream_is_closed_when_the_loop_fails() -> None:
    stream = FakeStream()
    with pytest.raises(RuntimeError):
        async with controller(client(stream), "gru"):
            assert stream.is_open
            raise RuntimeError
    assert not stream.is_open


async def test_a_model_of_something_else_is_refused_and_its_stream_closed() -> None:
    stream = FakeStream()
    stream.signature.outputs = []
    with pytest.raises(InvalidInput, match=r"2 values, cos\(angle\) and sin\(angle\)"):
        await answer(stream)
    assert not stream.is_open
