"""One process, as the live page sees it."""

from __future__ import annotations

from service.console.census import Census
from service.console.counted import Counted
from service.console.lines import Lines
from service.console.view import Line, Listing, ModelView, Query, View
from service.engine import Engine


class Watcher:
    """Looks when it is asked to; between, it costs the process nothing."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._census = Census()
        self._lines = Lines(engine.lanes, lambda: engine.now)

    async def view(self, query: Query) -> View:
        """The counts are those at the end: a long listing takes a while."""
        self._lines.tidy()
        listing = await self._listing(query) if query.limit else Listing()
        return View(self._models(), listing, self._line(query))

    def _models(self) -> tuple[ModelView, ...]:
        here = (
            ModelView(lane.model, lane.slots.held, Counted.of(lane.counts))
            for lane in self._engine.lanes()
        )
        gone = (
            ModelView(past.model, 0, Counted.of(past.steps), serves=False)
            for past in self._engine.past
        )
        return (*here, *gone)

    async def _listing(self, query: Query) -> Listing:
        now = self._engine.now
        await self._census.look(self._engine.lanes(), now)
        return await self._census.listing(query, now)

    def _line(self, query: Query) -> Line | None:
        """None for a stream that is not in scope, as for one that does not exist."""
        key, scope = query.watched, query.scope.of_all_models()
        if key is None or not scope.includes(key.namespace):
            return None
        line = self._lines.read(key, query.after)
        return line if line and scope.covers(line.model) else None
