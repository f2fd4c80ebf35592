"""A headless Chromium, told what to do over its DevTools protocol.

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import tempfile
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from tests.debian import program

_START_SECONDS = 120.0
_PATIENCE = 60.0
_KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowUp": 38, "ArrowDown": 40, "Delete": 46}
"""By name, their Windows virtual key codes."""
_NETWORK_CHANGED = "net::ERR_NETWORK_CHANGED"
"""What a browser ends its requests with when a container of the machine comes or goes. It is up
to the page to ask again.
"""
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)


class Tab:
    """A page of the browser. What it complains of and asks for is kept."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.complaints: list[str] = []
        """Exceptions, errors on the console, and what the browser's log has as an error."""
        self.requests: list[str] = []
        """The addresses of all that it has asked for."""
        self._socket = socket
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}

    @property
    def hosts(self) -> set[str]:
        """That were asked for anything, with their ports."""
        return {urlsplit(url).netloc for url in self.requests if not url.startswith("data:")}

    async def open(self, url: str) -> None:
        while told := (await self.tell("Page.navigate", url=url)).get("errorText"):
            assert told == _NETWORK_CHANGED, f"{url}: {told}"
        await self.until("document.readyState === 'complete'")

    async def tell(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol; its answer."""
        number = next(self._numbers)
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        return await asyncio.wait_for(answer, _PATIENCE)

    async def value(self, expression: str) -> Any:
        """Of a JavaScript expression, or of the promise that it is."""
        told = await self.tell(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in told, f"{expression}: {told['exceptionDetails']}"
        return told["result"].get("value")

    async def until(self, expression: str) -> Any:
        """The expression's value, once it is true."""
        deadline = asyncio.get_running_loop().time() + _PATIENCE
        while not (value := await self.value(expression)):
            assert asyncio.get_running_loop().time() < deadline, (
                f"{expression} stays {value!r}; the page shows:\n{await self.text()}\n"
                f"and complains of {self.complaints}"
            )
            await asyncio.sleep(0.05)
        return value

    async def text(self, selector: str = "body") -> str:
        """What people read there; empty if there is no such element."""
        return str(await self.value(f"{_found(selector)}?.innerText ?? ''"))

    async def click(self, selector: str) -> None:
        """With the mouse, in the middle of the element."""
        await self.until(f"!!{_found(selector)}")
        await self.value(f"{_found(selector)}.scrollIntoView({{block: 'center'}})")
        box = await self.value(f"{_found(selector)}.getBoundingClientRect().toJSON()")
        place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        for kind in ("mousePressed", "mouseReleased"):
            await self.tell(
                "Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **place
            )

    async def point(self, x: float, y: float) -> None:
        """Moves the mouse there, in CSS pixels."""
        await self.tell("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    async def write(self, selector: str, text: str) -> None:
        """As if it were typed there, in the place of what is there."""
        await self.until(f"!!{_found(selector)}")
        await self.value(f"{_found(selector)}.select()")
        if text:
            await self.tell("Input.insertText", text=text)
        else:
            await self.press("Delete")

    async def press(self, key: str) -> None:
        code = _KEYS[key]
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            await self.tell(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=code,
                **(text if kind == "keyDown" else {}),
            )

    async def look(self, width: int, height: int, *, dark: bool = False, scale: float = 1) -> None:
        """How large the page is, in CSS pixels, and which scheme its user prefers."""
        await self.tell(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.tell("Emulation.setEmulatedMedia", features=[scheme])

    async def picture(self) -> bytes:
        """The page as it looks, a PNG file."""
        told = await self.tell("Page.captureScreenshot", format="png")
        return base64.b64decode(told["data"])

    async def listen(self) -> None:
        """Hears the browser, until it is gone."""
        async for message in self._socket:
            self._hear(json.loads(message.data))

    def _hear(self, message: dict[str, Any]) -> None:
        if "id" in message:
            answer = self._asked.pop(message["id"])
            if not answer.done():
                _settle(answer, message)
            return
        told = message["params"]
        match message["method"]:
            case "Runtime.exceptionThrown":
                self.complaints.append(str(told["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if told["type"] in ("error", "assert"):
                self.complaints.append(str(told["args"]))
            case "Log.entryAdded" if told["entry"]["level"] == "error":
                entry = told["entry"]
                if _NETWORK_CHANGED not in entry["text"]:
                    self.complaints.append(f"{entry['text']} {entry.get('url', '')}")
            case "Network.requestWillBeSent":
                self.requests.append(told["request"]["url"])


@asynccontextmanager
async def browsing() -> AsyncIterator[Tab]:
    """An empty tab of a browser of its own. Skips the test where there is no Chromium and none
    can be installed.
    """
    chromium = program("chromium", "chromium")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            *(chromium, *_FLAGS, f"--user-data-dir={profile}", "about:blank"),
            stdout=DEVNULL,
            stderr=DEVNULL,
            env=os.environ | {"HOME": profile},
        )
        try:
            port = await _port(process, Path(profile) / "DevToolsActivePort")
            async with aiohttp.ClientSession() as session, _tab(session, port) as tab:
                yield tab
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


@asynccontextmanager
async def _tab(session: aiohttp.ClientSession, port: int) -> AsyncIterator[Tab]:
    async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
        [address] = [
            each["webSocketDebuggerUrl"] for each in await answer.json() if each["type"] == "page"
        ]
    async with session.ws_connect(address, max_msg_size=2**28) as socket:
        tab = Tab(socket)
        listening = asyncio.create_task(tab.listen())
        for domain in ("Page", "Runtime", "Log", "Network"):
            await tab.tell(f"{domain}.enable")
        yield tab
    await listening


async def _port(process: Process, file: Path) -> int:
    """That the browser has taken, once it says so."""
    deadline = asyncio.get_running_loop().time() + _START_SECONDS
    while not (lines := _lines(file)):
        assert process.returncode is None, f"Chromium ended with code {process.returncode}"
        assert asyncio.get_running_loop().time() < deadline, "Chromium does not start"
        await asyncio.sleep(0.05)
    return int(lines[0])


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def _settle(answer: asyncio.Future[dict[str, Any]], message: dict[str, Any]) -> None:
    if "error" in message:
        answer.set_exception(AssertionError(message["error"]["message"]))
    else:
        answer.set_result(message["result"])


def _found(selector: str) -> str:
    return f"document.querySelector({json.dumps(selector)})"
