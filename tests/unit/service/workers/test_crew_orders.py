"""What becomes of an order to workers of which some end, and others come up."""

from __future__ import annotations

import asyncio
from typing import Any

from service.operations.orders import Action, ModelState, Order, Outcome
from service.workers.control import Failed, Gone
from service.workers.crew import Crew
from service.workers.messages import ORDER, OUTCOMES
from tests.unit.service.workers.scripted import Scripted, done, joined, serving

LOAD = Order(Action.LOAD, "gru", 3)
UNLOAD = Order(Action.UNLOAD, "gru", 3)
LIST = Order(Action.LIST)


async def test_an_order_reaches_every_worker_and_each_is_told_what_came_of_it(crew: Crew) -> None:
    first = await serving(crew, "1", carry_out=done())
    second = await serving(crew, "2", carry_out=Failed("ValueError: odd"))
    answer = await crew.answer(first, "fan_out", ORDER.dump_python(LOAD, mode="json"))
    assert first.orders == second.orders == [LOAD]
    assert OUTCOMES.validate_python(answer) == [
        Outcome((ModelState("gru", 3),), worker="1"),
        Outcome((), "WORKER_FAILED", "ValueError: odd", worker="2"),
    ]


async def test_a_worker_that_starts_later_is_given_the_orders_that_it_missed(crew: Crew) -> None:
    worker = await serving(crew, "1", carry_out=done())
    await crew.fan_out(LOAD)
    worker.says["carry_out"] = done(name="lstm")
    await crew.fan_out(Order(Action.LOAD, "lstm", hand_over=True))
    worker.says["carry_out"] = done()
    await crew.fan_out(UNLOAD)
    await crew.fan_out(LIST)
    assert await joined(crew, "2") == [Order(Action.LOAD, "lstm", 3), UNLOAD]


async def test_a_worker_that_starts_again_takes_no_model_that_the_others_lack(crew: Crew) -> None:
    await serving(crew, "1", carry_out=done())
    crew.dismiss(await serving(crew, "2"))
    found = ("gru/3", "gru/4", "lstm/3")
    new, lstm = Order(Action.UNLOAD, "gru", 4), Order(Action.UNLOAD, "lstm", 3)
    assert await joined(crew, "2", found) == [new, lstm]


async def test_a_model_that_was_loaded_since_is_no_surplus(crew: Crew) -> None:
    await serving(crew, "1", carry_out=done(name="lstm"))
    crew.dismiss(await serving(crew, "2", carry_out=Gone()))
    load = Order(Action.LOAD, "lstm", 3)
    await crew.fan_out(load)
    assert await joined(crew, "2", ("gru/3", "lstm/3")) == [load]


async def test_an_order_that_no_worker_carried_out_is_forgotten(crew: Crew) -> None:
    await serving(crew, "1", carry_out=done("MODEL_NOT_FOUND"))
    await crew.fan_out(LOAD)
    assert await joined(crew, "2") == []


async def test_a_worker_that_dies_over_an_order_leaves_it_to_its_successor(crew: Crew) -> None:
    await serving(crew, "1", carry_out=done())
    second = await serving(crew, "2", carry_out=Gone())
    assert [outcome.worker for outcome in await crew.fan_out(LOAD)] == ["1"]
    crew.dismiss(second)
    assert await joined(crew, "2") == [LOAD]


async def test_who_joins_while_an_order_is_carried_out_gets_it_too(crew: Crew) -> None:
    begun, finish = asyncio.Event(), asyncio.Event()

    class Slow(Scripted):
        async def ask(self, kind: str, body: Any = None, *, within: float) -> Any:
            begun.set()
            await finish.wait()
            return done()

    slow = Slow("1")
    slow.joined = True
    crew.admit(slow)
    ordering = asyncio.create_task(crew.fan_out(LOAD))
    await begun.wait()
    joining = asyncio.create_task(joined(crew, "2"))
    finish.set()
    await ordering
    assert await joining == [LOAD]
