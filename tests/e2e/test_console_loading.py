"""The live page where a part of it does not come, or a proxy stands before it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from multidict import CIMultiDict

from tests.browser import Tab
from tests.e2e.conftest import Start
from tests.live_page import url_of
from torture.scrape import ANYWHERE

pytestmark = pytest.mark.timeout(300)

PART = "table.js"
TRIES = "stepwire-tries"
MISSING = "document.querySelector('#missing')?.innerText"
SERVES = "document.querySelector('#state')?.textContent === 'serving'"
HELD = """{
  const real = setTimeout;
  globalThis.pauses = [];
  globalThis.setTimeout = (act, milliseconds, ...given) => {
    globalThis.pauses.push(milliseconds / 1000);
    globalThis.next = () => act(...given);
  };
  globalThis.release = () => {
    globalThis.setTimeout = real;
    return globalThis.next();
  };
}"""
"""What waits is noted, and goes on when it is told."""
BLOCKED = """{
  const get = () => { throw new DOMException("storage is blocked", "SecurityError"); };
  Object.defineProperty(globalThis, "sessionStorage", { get });
}"""


class Proxy:
    """Passes what it is asked for on to a service, until that is away."""

    def __init__(self, service: str, session: aiohttp.ClientSession) -> None:
        self._service = service
        self._session = session
        self.away = False
        self.last = f"/console/{PART}"
        """The path that is asked for when the service goes."""

    async def answer(self, request: web.Request) -> web.Response:
        self.away = self.away or request.path == self.last
        if self.away:
            return web.Response(status=503, text="503 Service Unavailable")
        async with self._session.get(self._service.rstrip("/") + request.path_qs) as told:
            wanted = "Content-Type", "Content-Security-Policy"
            headers = CIMultiDict({name: told.headers[name] for name in wanted})
            return web.Response(status=told.status, body=await told.read(), headers=headers)


@asynccontextmanager
async def proxied(service: str) -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy before the service, and its own URL."""
    async with aiohttp.ClientSession() as session:
        proxy = Proxy(service, session)
        app = web.Application()
        app.router.add_get("/{path:.*}", proxy.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            [(host, port)] = runner.addresses
            yield proxy, f"http://{host}:{port}/"
        finally:
            await runner.cleanup()


async def block(tab: Tab, *paths: str) -> None:
    await tab.tell("Network.setBlockedURLs", urls=list(paths))


async def begin_with(tab: Tab, script: str) -> str:
    """Each page that is opened from here on runs it first. Its identifier."""
    told = await tab.tell("Page.addScriptToEvaluateOnNewDocument", source=script)
    return str(told["identifier"])


@asynccontextmanager
async def held(tab: Tab) -> AsyncIterator[None]:
    """The timers of each page that is opened meanwhile."""
    identifier = await begin_with(tab, HELD)
    yield
    await tab.tell("Page.removeScriptToEvaluateOnNewDocument", identifier=identifier)


def said(pause: int) -> str:
    return f"/console/main.js, or a part of it, could not be loaded. Trying again in {pause} s."


async def open_after(tab: Tab, url: str, *, tries: int) -> None:
    """As it is opened when so many tries were in vain."""
    await tab.value(f"sessionStorage.setItem('{TRIES}', {tries})")
    await tab.open(url)


async def test_a_page_that_was_cut_off_while_it_loaded_loads_again(start: Start, tab: Tab) -> None:
    url = url_of(start(*ANYWHERE))
    await block(tab, f"*/{PART}")
    await tab.open(url)
    await tab.until(f"Number(sessionStorage.getItem('{TRIES}')) >= 2")
    await block(tab)
    await tab.until(SERVES)
    assert await tab.text("#missing") == ""
    await tab.until(f"sessionStorage.getItem('{TRIES}') === null")


async def test_a_page_whose_part_never_comes_says_so_and_tries_ever_less_often(
    start: Start, tab: Tab
) -> None:
    url = url_of(start(*ANYWHERE))
    await tab.open(url)
    await block(tab, f"*/{PART}")
    async with held(tab):
        for tries, pause in ((4, 16), (1000, 30)):
            await open_after(tab, url, tries=tries)
            assert await tab.until(MISSING) == said(pause)
            assert await tab.value("pauses") == [pause]
            assert await tab.text("#state") == "connecting"


async def test_a_page_behind_a_proxy_asks_ever_less_often_until_its_service_is_back(
    start: Start, tab: Tab
) -> None:
    pauses = [1, 2, 4, 8, 16, 30, 30]
    async with proxied(url_of(start(*ANYWHERE))) as (proxy, url):
        async with held(tab):
            await tab.open(url)
        assert await tab.until(MISSING) == said(pauses[0])
        for pause in pauses[1:]:
            await tab.value("next()")
            assert await tab.text("#missing") == said(pause)
        assert await tab.value("pauses") == pauses
        proxy.away, proxy.last = False, ""
        await tab.value("void release()")
        await tab.until(SERVES)


async def test_a_page_that_may_store_nothing_loads_again_and_works(start: Start, tab: Tab) -> None:
    url = url_of(start(*ANYWHERE))
    await begin_with(tab, BLOCKED)
    await block(tab, f"*/{PART}")
    await tab.open(url)
    await tab.until(MISSING)
    await block(tab)
    await tab.until(SERVES)
    assert not [each for each in tab.complaints if "storage is blocked" in each]


async def test_a_page_that_lacks_its_style_works_and_says_so(start: Start, tab: Tab) -> None:
    url = url_of(start(*ANYWHERE))
    await tab.open(url)
    await block(tab, "*/style.css")
    await open_after(tab, url, tries=1000)
    await tab.until(SERVES)
    missing = await tab.until(MISSING)
    assert missing.startswith("/console/style.css, or a part of it, could not be loaded.")
