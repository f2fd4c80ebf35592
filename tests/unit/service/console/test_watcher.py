from __future__ import annotations

from collections.abc import Callable

from service.console.view import Listing, Query, Scope
from service.console.watcher import Watcher
from service.core.directory import Directory
from service.core.streams import StreamKey
from service.engine import Engine
from service.lanes.lane import Lane
from service.lanes.lanes import Lanes
from tests.fakes import MODEL, Connection, accumulator_lane, request
from tests.unit.service.console.stepping import steps

ROBOT = StreamKey("", "robot")
HERE = Query(limit=10, watched=ROBOT)


async def watching(lane: Lane | None = None, clock: Callable[[], float] = lambda: 100.0) -> Watcher:
    """A process with one stream, which has run three steps."""
    lane = lane or accumulator_lane()
    directory = Directory(limit=4, idle_limit=600.0)
    engine = Engine(Lanes({MODEL: lane}, {}), directory, clock=clock)
    stream = (await engine.open(request("robot"), Connection())).stream
    steps(lane, stream, 3)
    return Watcher(engine)


async def test_a_process_shows_its_models_its_streams_and_a_line() -> None:
    view = await (await watching()).view(HERE)
    [model] = view.models
    assert (model.model, model.streams, model.counted.ran) == (MODEL, 1, 3)
    assert [each.key for each in view.listing.streams] == [ROBOT]
    assert view.line
    assert view.line.values == ((1.0, 2.0, 3.0),)


async def test_of_a_version_that_has_left_service_the_counts_are_shown() -> None:
    lanes, owner = Lanes({MODEL: accumulator_lane()}, {}), Connection()
    engine = Engine(lanes, Directory(limit=4, idle_limit=600.0))
    stream = (await engine.open(request("robot"), owner)).stream
    steps(lanes[MODEL], stream, 3)
    lanes.retire(MODEL)
    engine.close(stream, owner)
    [past] = (await Watcher(engine).view(Query())).models
    assert (past.model, past.serves, past.streams, past.counted.ran) == (MODEL, False, 0, 3)


async def test_nothing_is_looked_at_that_is_not_asked_for() -> None:
    view = await (await watching()).view(Query())
    assert (view.listing, view.line) == (Listing(), None)


async def test_the_outputs_of_a_stream_out_of_scope_are_not_shown() -> None:
    watcher = await watching()
    for scope in (Scope(namespace="plant"), Scope(patterns=("other",))):
        view = await watcher.view(Query(scope, limit=10, watched=ROBOT))
        assert (view.listing, view.line) == (Listing(), None)
    assert (await watcher.view(Query(Scope("", ("acc*",)), watched=ROBOT))).line


async def test_a_line_is_shown_whichever_model_the_page_is_about() -> None:
    view = await (await watching()).view(Query(Scope(model="other/1"), limit=10, watched=ROBOT))
    assert view.listing == Listing()
    assert view.line


async def test_a_look_at_anything_ends_lines_that_nobody_asks_for() -> None:
    lane, now = accumulator_lane(), [100.0]
    watcher = await watching(lane, lambda: now[0])
    await watcher.view(HERE)
    now[0] += 9.0
    await watcher.view(Query())
    assert lane.onlooker is not None
    now[0] += 2.0
    await watcher.view(Query())
    assert lane.onlooker is None
