"""The live page in a browser, beside streams that step."""

from __future__ import annotations

import asyncio
import contextlib
import re
from pathlib import Path
from typing import Any

import pytest

from service.access.credentials import Credential, hash_token, make_token
from service.access.tokens import entry
from tests.browser import Tab
from tests.e2e.conftest import Start
from tests.live_page import ENDS, IDS, ONE, POINTS, RATE, STEPS, stepping, url_of
from tests.triton_client import answers, step
from torture.programs import free_ports
from torture.scrape import ANYWHERE
from torture.triton_client import TritonClient

pytestmark = pytest.mark.timeout(300)


def is_clean(tab: Tab, url: str) -> bool:
    """It has complained of nothing, and asked nobody but its own server."""
    assert tab.complaints == []
    assert {f"http://{host}/" for host in tab.hosts} == {url}
    return True


async def test_streams_appear_and_move_and_a_click_draws_every_output(
    start: Start, tab: Tab
) -> None:
    server = start(*ANYWHERE)
    url = url_of(server)
    await tab.open(url)
    await tab.until("!document.querySelector('#empty').hidden")
    assert "stepwire demo pendulum" in await tab.text("#empty")
    assert "mixer/1" in await tab.text("#models")
    async with stepping(server, "robot", "cart-1", "cart-2"):
        await tab.until(f"{IDS}.length === 3")
        assert await tab.value(IDS) == ["cart-1", "cart-2", "robot"]
        assert await tab.text("#state") == "serving"
        steps = await tab.until(STEPS)
        await tab.until(f"{STEPS} > {steps} && {RATE} > 0")
        assert "accumulator/2" in await tab.text("#models")
        await tab.until("document.querySelectorAll('#rates .trace').length === 1")
        for series in (1, 2, 3):
            bars = f"""document.querySelectorAll('#times rect[fill="var(--series-{series})"]')"""
            await tab.until(f"{bars}.length > 0")
        bar = "document.querySelector('#times rect title').textContent"
        assert re.fullmatch(r"(up to|beyond) [\d.]+ (µs|ms|s): [\d.]+ %", await tab.value(bar))
        await tab.until("document.querySelectorAll('#sizes rect').length > 0")

        await tab.click("#streams tbody tr:nth-child(2)")
        await tab.until(f"{POINTS} > 40")
        assert await tab.text("#watched-title") == "cart-2"
        points, ends = await tab.value(f"[{POINTS}, {ENDS}]")
        first, last = (int(text.removeprefix("step ")) for text in ends)
        assert points == last + 1 - first
        seen = float(await tab.text("#legend b"))
        await tab.until(f"Number(document.querySelector('#legend b').textContent) > {seen}")

        await tab.write("#text", "CART")
        await tab.until(f"{IDS}.length === 2")
        await tab.write("#text", "")
        await tab.until(f"{IDS}.length === 3")
        await tab.click("#streams th:first-child button")
        await tab.until(f"{IDS}[0] === 'robot'")
    await tab.until("document.querySelector('#detached').textContent === '3'")
    assert "detached" in await tab.text("#streams")
    assert is_clean(tab, url)


async def test_a_token_is_asked_for_and_shows_its_own(
    start: Start, tab: Tab, tmp_path: Path
) -> None:
    tokens = {name: make_token() for name in ("plant-a", "plant-b", "chief")}
    file = tmp_path / "tokens.toml"
    file.write_text(
        "\n".join(
            entry(Credential(name, hash_token(token), name, ("accum*",), name == "chief"))
            for name, token in tokens.items()
        )
    )
    file.chmod(0o600)
    server = start(*ANYWHERE, "--tokens", str(file))
    url = url_of(server)
    await tab.open(url)
    await tab.until("document.querySelector('#lock').open")
    assert "accumulator" not in await tab.text()
    for _ in range(3):
        await tab.press("Escape")
    await tab.until("document.querySelector('#lock').open")
    await tab.write("#token", "wrong")
    await tab.press("Enter")
    await tab.until("!document.querySelector('#lock-error').hidden")
    async with (
        stepping(server, "mine", credential=tokens["plant-a"]),
        stepping(server, "theirs", credential=tokens["plant-b"]),
    ):
        await tab.write("#token", tokens["plant-a"])
        await tab.press("Enter")
        await tab.until("!document.querySelector('#main').hidden")
        await tab.until(f"{IDS}.length")
        assert await tab.value(IDS) == ["plant-a/mine"]
        assert "mixer" not in await tab.text("#models")
        await tab.open(url)
        await tab.until(f"{IDS}.length === 1")
        await tab.click("#streams tbody tr")
        await tab.until(f"{POINTS} > 5")
        await tab.value("sessionStorage.clear()")
        await tab.open(url)
        await tab.until("document.querySelector('#lock').open")
        await tab.write("#token", tokens["chief"])
        await tab.press("Enter")
        await tab.until(f"{IDS}.length === 2")
    assert not any(token in address for token in tokens.values() for address in tab.requests)
    assert all("401" in complaint for complaint in tab.complaints)


async def test_a_service_that_goes_is_told_and_seen_again_when_it_is_back(
    start: Start, tab: Tab
) -> None:
    [port] = free_ports(1)
    listen = ("--http-listen", f"127.0.0.1:{port}")
    server = start(*listen)
    await tab.open(f"http://127.0.0.1:{port}/")
    await tab.until("document.querySelector('#state').textContent === 'serving'")
    await asyncio.to_thread(server.kill)
    await tab.until("!document.querySelector('#notice').hidden")
    assert "No answer from the service" in await tab.text("#notice")
    assert await tab.text("#state") == "disconnected"
    server = start(*listen)
    async with stepping(server, "robot"):
        await tab.until(f"{IDS}.length === 1")
        assert await tab.value("document.querySelector('#notice').hidden")


async def test_streams_of_every_worker_are_on_the_one_page(
    start: Start, tab: Tab, tmp_path: Path
) -> None:
    store = f"sqlite:{tmp_path / 'streams.db'}"
    server = start(*ANYWHERE, "--workers", "2", "--store", store)
    url = url_of(server)
    await tab.open(url)
    await tab.until("document.querySelector('#facts').innerText.includes('2 of 2')")
    async with contextlib.AsyncExitStack() as stack:
        # The kernel gives each connection to either worker.
        for number in range(16):
            await stack.enter_async_context(stepping(server, f"s{number:02d}"))
        await tab.until(f"{IDS}.length === 16")
        assert len(set(await tab.value(IDS.replace("first", "last")))) == 2
        steps = await tab.until(STEPS)
        await tab.until(f"{STEPS} > {steps} && {RATE} > 0")
        for row in (1, 16):
            await tab.click(f"#streams tbody tr:nth-child({row})")
            await tab.until(f"{POINTS} > 20")
    assert is_clean(tab, url)


async def test_sequences_of_tritons_client_appear_and_are_drawn(
    start: Start, tab: Tab, triton: TritonClient
) -> None:
    server = start(*ANYWHERE)
    url = url_of(server)

    async def send(*steps: dict[str, Any]) -> None:
        way = ("sync", "stream")
        sent = await asyncio.to_thread(answers, triton, server.address, way, steps)
        assert not any("error" in answer for answer in sent), sent

    def add(sequence: int | str, **more: Any) -> dict[str, Any]:
        return step("accumulator", sequence, x=ONE, **more)

    await tab.open(url)
    await send(add(7, start=True), add("arm", start=True))
    await tab.until(f"{IDS}.length === 2")
    assert await tab.value(IDS) == ["accumulator/int/7", "accumulator/string/arm"]
    await tab.click("#streams tbody tr:first-child")
    await tab.until(f"{POINTS} > 0")
    await send(*[add(7)] * 40)
    await tab.until(f"{POINTS} === 41")
    await tab.until("document.querySelector('#legend b').textContent === '41'")
    await send(add(7, end=True), add("arm", end=True))
    await tab.until(f"{IDS}.length === 0")
    assert is_clean(tab, url)
