"""The live page in the hands of people: by keyboard, on any screen, with much to show."""

from __future__ import annotations

import numpy as np
import pytest

import stepwire
from tests.browser import Tab
from tests.e2e.conftest import Start
from tests.live_page import FOCUSED, IDS, POINTS, stepping, url_of
from torture.scrape import ANYWHERE

pytestmark = pytest.mark.timeout(300)


async def test_the_keyboard_alone_finds_a_stream_and_comes_back(start: Start, tab: Tab) -> None:
    server = start(*ANYWHERE)
    async with stepping(server, "cart-1", "cart-2", "robot"):
        await tab.open(url_of(server))
        await tab.until(f"{IDS}.length === 3")
        for _ in range(20):
            await tab.press("Tab")
            if await tab.value(FOCUSED) == "cart-1":
                break
        await tab.press("ArrowDown")
        await tab.press("ArrowDown")
        await tab.press("ArrowUp")
        assert await tab.value(FOCUSED) == "cart-2"
        await tab.press("Enter")
        await tab.until(f"{POINTS} > 5")
        assert await tab.text("#watched-title") == "cart-2"
        assert await tab.text("[aria-pressed=true]") == "cart-2"
        await tab.value("document.querySelector('#streams th button').click()")
        await tab.until(f"{IDS}[0] === 'robot'")
        assert await tab.value(FOCUSED) == "cart-2"
        await tab.value("document.querySelector('#unwatch').focus()")
        await tab.press("Escape")
        await tab.until("document.querySelector('#watched').hidden")
        assert await tab.value(FOCUSED) == "cart-2"


async def test_hundreds_of_streams_and_long_names_fit_a_page_of_any_width(
    start: Start, tab: Tab
) -> None:
    server = start(*ANYWHERE)
    longest = "a" * 128
    ids = [longest, *(f"b{number:03d}" for number in range(250))]
    async with stepwire.connect(server.address) as client:
        async with client.fleet("accumulator", ids) as fleet:
            await fleet.step(np.ones((len(ids), 1), np.float32))
            await tab.look(1280, 900)
            await tab.open(url_of(server))
            await tab.until(f"{IDS}.length === 200")
            assert await tab.text("#matched") == "the first 200 of 251"
            await tab.click("#streams tbody tr:first-child")
            await tab.until(f"{POINTS} > 0")
            assert await tab.text("#watched-title") == longest
            table = "document.querySelector('#streams')"
            assert await tab.value(f"{table}.offsetWidth <= {table}.parentElement.clientWidth")
            for width in (400, 820):
                await tab.look(width, 800)
                assert await tab.value("document.documentElement.scrollWidth") == width
                await tab.click("#streams tbody tr:nth-child(150)")
                await tab.until("document.querySelector('#legend b')?.textContent === '1'")
                title = "document.querySelector('#watched-title').getBoundingClientRect()"
                assert await tab.value(f"{title}.top >= 0 && {title}.bottom <= innerHeight")
                await tab.click("#unwatch")
                row = "document.activeElement.getBoundingClientRect()"
                assert await tab.value(FOCUSED) == "b148"
                assert await tab.value(f"{row}.top >= 0 && {row}.bottom <= innerHeight")


async def test_a_line_has_few_ticks_however_large_its_values(start: Start, tab: Tab) -> None:
    await tab.open(url_of(start(*ANYWHERE)))
    ticks = {
        (-0.2, 9.1): [0, 2, 4, 6, 8],
        (-1.0, 1.0): [-1, -0.5, 0, 0.5, 1],
        (-0.25, 0.2): [-0.2, -0.1, 0, 0.1, 0.2],
        (1e18, 1e18 + 256): [1e18, 1e18 + 256],
        (-1.7e308, 1.7e308): [],
    }
    for (low, high), expected in ticks.items():
        found = f"import('/console/charts.js').then(({{ ticks }}) => ticks({low}, {high}))"
        assert await tab.value(found) == expected


async def test_lines_of_the_same_colour_can_be_told_apart(start: Start, tab: Tab) -> None:
    await tab.open(url_of(start(*ANYWHERE)))
    looks = await tab.value(
        """import('/console/charts.js').then(({ outputs }) => {
            const place = document.body.appendChild(document.createElement('div'));
            place.style.width = place.style.height = '200px';
            outputs(place, {
                steps: [0, 1],
                values: Array.from({ length: 16 }, (_, feature) => [feature, -feature]),
            });
            return [...place.querySelectorAll('path')].map(
                (path) => path.getAttribute('stroke') + path.getAttribute('stroke-dasharray'),
            );
        })"""
    )
    assert len(set(looks)) == len(looks) == 16
