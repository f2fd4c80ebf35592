from __future__ import annotations

import asyncio
from typing import Any

import pytest

from service.console.counted import Counted
from service.console.view import Line, Listing, ModelView, Query, Scope, Sort, StreamView, View
from service.core.streams import ModelKey, StreamKey
from service.operations.readiness import Phase
from service.workers.control import Failed, Gone
from service.workers.crew import Crew
from service.workers.messages import QUERY, VIEW
from tests.unit.service.metrics.made import GRU, value
from tests.unit.service.workers.scripted import Scripted, ran, ready, serving


async def test_all_serve_once_each_has_said_so(crew: Crew) -> None:
    await serving(crew, "1")
    assert not crew.all_serve.is_set()
    await serving(crew, "2")
    assert crew.all_serve.is_set()
    assert crew.models() == ["gru/3"]


async def test_a_worker_that_is_not_up_is_starting(crew: Crew) -> None:
    await serving(crew, "1", readiness=ready())
    crew.admit(Scripted("2"))
    told = await crew.readiness()
    assert not told.ready
    assert told.reason == "worker 2 is starting"


async def test_readiness_is_what_the_workers_say(crew: Crew) -> None:
    await serving(crew, "1", readiness=ready())
    await serving(crew, "2", readiness=ready(degraded_for=7.0))
    told = await crew.readiness()
    assert (told.ready, told.degraded_for) == (True, 7.0)
    crew.draining = True
    assert not (await crew.readiness()).ready


@pytest.mark.parametrize(
    ("failure", "phase"),
    [(TimeoutError(), Phase.SILENT), (Failed("x"), Phase.SILENT), (Gone(), Phase.STARTING)],
)
async def test_a_worker_that_does_not_answer_makes_the_service_unready(
    crew: Crew, failure: Exception, phase: Phase
) -> None:
    await serving(crew, "1", readiness=ready())
    await serving(crew, "2", readiness=failure)
    told = await crew.readiness()
    assert not told.ready
    assert told.workers["2"].phase is phase


async def steps(crew: Crew) -> float:
    return value(await crew.metrics(), "stepwire_steps_total", **GRU)


async def test_metrics_are_those_of_all_workers_dead_and_silent_ones_too(crew: Crew) -> None:
    first = await serving(crew, "1", metrics=await ran(100))
    second = await serving(crew, "2", metrics=await ran(20))
    assert await steps(crew) == 120
    first.says["metrics"] = TimeoutError()
    second.says["metrics"] = await ran(25)
    assert await steps(crew) == 125
    crew.dismiss(first)
    await serving(crew, "1", metrics=await ran(3))
    assert await steps(crew) == 128


async def test_no_older_answer_of_a_worker_comes_after_a_newer_one(crew: Crew) -> None:
    waits, go_on = asyncio.Event(), asyncio.Event()
    tellings = iter([await ran(100), await ran(150)])

    class Slow(Scripted):
        """Its first answer takes its time."""

        async def ask(self, kind: str, body: Any = None, *, within: float) -> Any:
            told = next(tellings)
            if not waits.is_set():
                waits.set()
                await go_on.wait()
            return told

    crew.admit(slow := Slow("1"))
    slow.phase = Phase.SERVING
    first = asyncio.create_task(steps(crew))
    await waits.wait()
    second = asyncio.create_task(steps(crew))
    await asyncio.sleep(0)
    go_on.set()
    assert (await first, await second) == (100, 150)


def shown(steps: int, namespace: str = "", line: Line | None = None) -> Any:
    models = (ModelView(ModelKey("gru", 3), 1, Counted(ran=steps)),)
    stream = StreamView(StreamKey(namespace, "robot"), ModelKey("gru", 3), steps, attached=True)
    return VIEW.dump_python(View(models, Listing((stream,), 1, 1, 0), line), mode="json")


async def test_the_live_page_is_shown_every_worker_that_lives(crew: Crew) -> None:
    first = await serving(crew, "1", view=shown(100))
    second = await serving(crew, "2", view=shown(20))
    views = await crew.views(Query(limit=5))
    assert [view.models[0].counted.ran for view in views.values()] == [100, 20]
    assert [view.listing.matched for view in views.values()] == [1, 1]
    first.says["view"] = TimeoutError()
    second.says["view"] = shown(25)
    silent, other = (await crew.views(Query(limit=5))).values()
    assert (silent.models[0].counted.ran, silent.listing) == (100, Listing())
    assert other.models[0].counted.ran == 25
    before = views.keys()
    crew.dismiss(first)
    await serving(crew, "1", view=shown(3))
    after = await crew.views(Query())
    assert sorted(view.models[0].counted.ran for view in after.values()) == [3, 25]
    assert len(before & after.keys()) == 1


@pytest.mark.parametrize("another", [Query(limit=5, watched=StreamKey("secret", "robot")), Query()])
async def test_each_question_has_answers_of_its_own(crew: Crew, another: Query) -> None:
    waits, go_on = asyncio.Event(), asyncio.Event()

    class Discreet(Scripted):
        """Tells all to who may see all. The second keeps the plant waiting."""

        async def ask(self, kind: str, body: Any = None, *, within: float) -> Any:
            query = QUERY.validate_python(body)
            if query.scope.namespace is None:
                line = Line(ModelKey("gru", 3), ("y",), 1, 9, (8,), ((0.5,),))
                return shown(1, "secret", line) if query.limit else VIEW.dump_python(View())
            if self.name == "2":
                waits.set()
                await go_on.wait()
            return shown(1, "plant")

    for name in crew.names:
        crew.admit(worker := Discreet(name))
        worker.phase = Phase.SERVING
    asking = asyncio.create_task(crew.views(Query(Scope("plant"), limit=5)))
    await waits.wait()
    await crew.views(another)
    go_on.set()
    plants = (await asking).values()
    assert [each.key.namespace for view in plants for each in view.listing.streams] == ["plant"] * 2
    assert [view.line for view in plants] == [None, None]


async def test_a_worker_that_ends_while_it_is_asked_is_shown_no_more(crew: Crew) -> None:
    class Ending(Scripted):
        async def ask(self, kind: str, body: Any = None, *, within: float) -> Any:
            crew.dismiss(self)
            raise Gone

    crew.admit(ending := Ending("1"))
    ending.phase = Phase.SERVING
    await serving(crew, "2", view=shown(20))
    assert [view.models[0].counted.ran for view in (await crew.views(Query())).values()] == [20]


async def test_a_line_and_a_question_survive_the_way_to_a_worker() -> None:
    line = Line(ModelKey("gru", 3), ("y",), 1, 9, (7, 8), ((0.5, -1.0),))
    view = View(line=line)
    assert VIEW.validate_python(VIEW.dump_python(view, mode="json")) == view
    query = Query(Scope("plant", ("gru*",)), "robot", Sort.RATE, True, 9, StreamKey("", "m/int/4"))
    assert QUERY.validate_python(QUERY.dump_python(query, mode="json")) == query


async def test_restarts_are_counted_and_stops_are_not(crew: Crew) -> None:
    worker = await serving(crew, "1")
    crew.dismiss(worker)
    crew.dismiss(await serving(crew, "1"))
    assert value(await crew.metrics(), "stepwire_worker_restarts_total", worker="1") == 2
    crew.draining = True
    crew.dismiss(await serving(crew, "2"))
    assert value(await crew.metrics(), "stepwire_worker_restarts_total", worker="2") == 0


async def test_why_a_worker_could_not_start_is_kept(crew: Crew) -> None:
    worker = Scripted("1")
    await crew.answer(worker, "failed", "no model may serve")
    assert worker.failure == "no model may serve"
