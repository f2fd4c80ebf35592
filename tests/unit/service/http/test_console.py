from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import aiohttp
import pytest
from prometheus_client.metrics_core import Metric

from service.access.credentials import Credential, hash_token, make_token
from service.access.tokens import entry, watch
from service.console.snapshot import Json
from service.console.view import Query, Scope, Sort, View
from service.core.streams import StreamKey
from service.http.console import Console
from service.http.server import listening
from service.http.visitors import Visitors
from service.operations.readiness import Phase, Readiness
from tests.unit.service.console.made import GRU, LSTM, listing, stream, view

FILES = ("style.css", "main.js", "icon.svg")


class Observed:
    """A process whose model has run ten steps more at each look."""

    def __init__(self) -> None:
        self.asked: list[Query] = []

    async def readiness(self) -> Readiness:
        return Readiness(Phase.SERVING)

    async def metrics(self) -> Iterable[Metric]:
        return ()

    async def views(self, query: Query) -> Mapping[str, View]:
        self.asked.append(query)
        ran = 10 * len(self.asked)
        return {
            "1": view(ran, GRU, listing=listing(stream("robot"))),
            "2": view(ran, LSTM),
        }


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def told(self) -> Json:
        found: Json = json.loads(self.text)
        return found


async def get(url: str, method: str = "GET", **headers: str) -> Answer:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, headers=headers) as answer,
    ):
        return Answer(answer.status, answer.headers, await answer.text())


@pytest.fixture
def observed() -> Observed:
    return Observed()


@pytest.fixture
async def base(observed: Observed) -> AsyncIterator[str]:
    async with listening("127.0.0.1:0", observed, Visitors("127.0.0.1")) as address:
        yield f"http://{address}"


async def test_the_page_and_its_files_are_there(base: str) -> None:
    page = await get(base + "/")
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    named = re.findall(r'(?:href|src)="(console/[^"]+)"', page.text)
    assert {f"console/{name}" for name in FILES} <= set(named)
    for name in named:
        assert (await get(f"{base}/{name}")).status == 200


async def test_every_module_that_is_imported_is_there(base: str) -> None:
    to_read, seen = {"main.js"}, set[str]()
    while to_read - seen:
        name = (to_read - seen).pop()
        answer = await get(f"{base}/console/{name}")
        assert (answer.status, answer.headers["Content-Type"]) == (
            200,
            "text/javascript; charset=utf-8",
        )
        seen.add(name)
        to_read |= set(re.findall(r'from "\./([\w.]+)"', answer.text))
    assert len(seen) > 3


async def test_nothing_may_run_or_load_but_the_page_s_own_files(base: str) -> None:
    for path in ("/", "/console/style.css", "/console/data", "/console/none"):
        headers = (await get(base + path)).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Access-Control-Allow-Origin" not in headers


async def test_the_page_has_no_script_or_style_within_it(base: str) -> None:
    text = (await get(base + "/")).text
    assert not re.search(r"<style|\son\w+=|\sstyle=|https?://", text)
    assert re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL) == ["", ""]


async def test_files_beside_the_page_are_not_served(base: str) -> None:
    for name in ("none.js", "..%2fserver.py", "%2e%2e/server.py", "server.py"):
        assert (await get(f"{base}/console/{name}")).status == 404


async def test_only_reading_is_possible(base: str) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert (await get(base + "/console/data", method)).status == 405


async def test_the_snapshot_tells_of_all_models_and_streams(base: str) -> None:
    answer = await get(base + "/console/data")
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-cache")
    assert [model["name"] for model in answer.told["models"]] == ["gru/3", "lstm/1"]
    assert [row["id"] for row in answer.told["streams"]["rows"]] == ["robot"]
    assert answer.told["service"]["reason"] == "serving"


async def test_what_the_page_asks_for_reaches_the_processes(base: str, observed: Observed) -> None:
    asked = (
        "text=cart&sort=rate&descending=true&model=gru/3&namespace=plant&id=m%2Fint%2F42&after=7"
    )
    await get(f"{base}/console/data?{asked}")
    assert observed.asked[-1] == Query(
        Scope(None, ("*",), "gru/3"),
        "cart",
        Sort.RATE,
        True,
        200,
        StreamKey("plant", "m/int/42"),
        7,
    )


@pytest.mark.parametrize("wrong", ["sort=size", "after=soon"])
async def test_a_question_that_makes_no_sense_is_refused(base: str, wrong: str) -> None:
    assert (await get(f"{base}/console/data?{wrong}")).status == 400


async def test_a_page_under_another_name_gets_nothing(base: str) -> None:
    answer = await get(base + "/console/data", Host="evil.example")
    assert answer.status == 403
    assert "robot" not in answer.text


async def test_history_grows_by_itself(observed: Observed) -> None:
    now = iter(range(100))
    console = Console(observed, Visitors("127.0.0.1"), clock=lambda: float(next(now)))
    for _ in range(3):
        await console.record()
    assert [query.limit for query in observed.asked] == [0, 0, 0]
    told = await console.snapshot(Query())
    assert told["rates"]["values"] == [20.0, 20.0]


async def test_history_goes_on_after_a_failure(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("service.http.console.INTERVAL", 0)
    asked_again = asyncio.Event()

    class Failing(Observed):
        async def views(self, query: Query) -> Mapping[str, View]:
            views = await super().views(query)
            if len(self.asked) == 1:
                raise ValueError("odd")
            asked_again.set()
            return views

    async with listening("127.0.0.1:0", Failing(), Visitors("127.0.0.1")):
        await asyncio.wait_for(asked_again.wait(), 60)
    assert "could not be read" in caplog.text
    assert "ValueError: odd" in caplog.text


async def test_credentials_are_asked_for(observed: Observed, tmp_path: Path) -> None:
    token, file = make_token(), tmp_path / "tokens"
    file.write_text(entry(Credential("robot-7", hash_token(token), "plant", ("gru",))))
    file.chmod(0o600)
    async with listening("127.0.0.1:0", observed, Visitors("127.0.0.1", watch(file))) as address:
        base = f"http://{address}"
        assert (await get(base + "/")).status == 200
        refused = await get(base + "/console/data")
        assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert "gru" not in refused.text
        assert (await get(f"{base}/console/data?token={token}")).status == 401
        told = (await get(base + "/console/data", Authorization=f"Bearer {token}")).told
        assert [model["name"] for model in told["models"]] == ["gru/3"]
        assert observed.asked[-1].scope == Scope("plant", ("gru",))


async def test_without_visitors_there_is_no_page(observed: Observed) -> None:
    async with listening("127.0.0.1:0", observed) as address:
        for path in ("/", "/console/data", "/console/main.js"):
            assert (await get(f"http://{address}{path}")).status == 404
    assert observed.asked == []
