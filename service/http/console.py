"""The live page: its files, and the snapshot that it asks for again and again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from importlib.metadata import version
from importlib.resources import files
from typing import NamedTuple

from aiohttp import web

from service.console.history import INTERVAL, History, Look
from service.console.snapshot import Json, Service, snapshot_of
from service.console.view import Query, Scope, Sort
from service.core.errors import NotAllowed, Unauthenticated
from service.core.streams import StreamKey
from service.http.observed import Observed
from service.http.visitors import Visitors

log = logging.getLogger(__name__)

ROWS = 200
"""Streams in the table."""
_LONGEST_TEXT = 200
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; object-src 'none'; require-trusted-types-for 'script'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _File(NamedTuple):
    content: bytes
    kind: str


class Console:
    def __init__(
        self,
        observed: Observed,
        visitors: Visitors,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._observed = observed
        self._visitors = visitors
        self._clock = clock
        self._started = clock()
        self._release = version("stepwire")
        self._history = History()
        self._files = _files()

    def add_to(self, app: web.Application) -> None:
        app.add_routes(
            [
                web.get("/", _guarded(self._page)),
                web.get("/console/data", _guarded(self._data)),
                web.get("/console/{name}", _guarded(self._file)),
            ]
        )
        app.cleanup_ctx.append(self._recording)

    async def record(self) -> None:
        """What the models have counted, as of now."""
        self._history.add(await self._look(Query()))

    async def _recording(self, _: web.Application) -> AsyncIterator[None]:
        async def again_and_again() -> None:
            while True:
                try:
                    await self.record()
                except Exception:  # whatever it was, the seconds after are wanted
                    log.exception("what the models have counted could not be read")
                await asyncio.sleep(INTERVAL)

        task = asyncio.create_task(again_and_again())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def _look(self, query: Query) -> Look:
        views = await self._observed.views(query)
        return Look(self._clock(), views)

    async def _page(self, _: web.Request) -> web.Response:
        return _sent(self._files["page.html"])

    async def _file(self, request: web.Request) -> web.Response:
        found = self._files.get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        return _sent(found)

    async def _data(self, request: web.Request) -> web.Response:
        scope = self._visitors.scope(request.host, request.headers.get("Authorization"))
        query = _query(request.query, scope)
        return web.json_response(await self.snapshot(query))

    async def snapshot(self, query: Query) -> Json:
        readiness = await self._observed.readiness()
        service = Service(
            self._release,
            self._clock() - self._started,
            readiness.ready,
            readiness.reason,
            readiness.degraded_for,
            {name: one.phase for name, one in readiness.workers.items()},
            readiness.device,
        )
        return snapshot_of(service, self._history, await self._look(query), query)


def _query(asked: Mapping[str, str], scope: Scope) -> Query:
    """Raises HTTPBadRequest."""
    try:
        return Query(
            Scope(scope.namespace, scope.patterns, asked.get("model", "")),
            asked.get("text", "")[:_LONGEST_TEXT],
            Sort(asked.get("sort", Sort.ID)),
            asked.get("descending") == "true",
            ROWS,
            StreamKey(asked.get("namespace", ""), asked["id"]) if asked.get("id") else None,
            int(asked.get("after", "-1")),
        )
    except ValueError as error:
        raise web.HTTPBadRequest(text=f"{error}\n") from error


def _guarded(handler: _Handler) -> _Handler:
    """With the headers that keep others' scripts and pages away, whatever the answer."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        try:
            response = await handler(request)
        except web.HTTPException as refusal:
            refusal.headers.update(_HEADERS)
            raise
        except Unauthenticated as error:
            response = web.Response(status=401, text=f"{error}\n")
            response.headers["WWW-Authenticate"] = "Bearer"
        except NotAllowed as error:
            response = web.Response(status=403, text=f"{error}\n")
        response.headers.update(_HEADERS)
        return response

    return guarded


def _sent(file: _File) -> web.Response:
    return web.Response(body=file.content, content_type=file.kind, charset="utf-8")


def _files() -> dict[str, _File]:
    """All of them, by name."""
    return {
        each.name: _File(each.read_bytes(), kind)
        for each in files("service.http").joinpath("page").iterdir()
        for ending, kind in _TYPES.items()
        if each.name.endswith(ending)
    }
