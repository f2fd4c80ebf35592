from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from service.workers.control import Answer, Failed, Gone, Peer


async def echo(kind: str, body: Any) -> Any:
    return [kind, body]


class End:
    """Of a connection, with a task that listens there."""

    def __init__(self, peer: Peer) -> None:
        self.ask = peer.ask
        self._hearing = asyncio.create_task(peer.listen())

    async def leave(self) -> None:
        self._hearing.cancel()
        await asyncio.wait([self._hearing])


@asynccontextmanager
async def pair(answer: Answer = echo) -> AsyncIterator[tuple[End, End]]:
    """Two ends; the first is asked to echo, the second answers by `answer`."""
    one, other = socket.socketpair()
    first, second = End(await Peer.on(one, echo)), End(await Peer.on(other, answer))
    try:
        yield first, second
    finally:
        await first.leave()
        await second.leave()


async def test_both_ends_ask_and_answer() -> None:
    async with pair() as (one, other):
        assert await one.ask("one", {"a": [1, None, "é\\n"]}) == [
            "one",
            {"a": [1, None, "é\\n"]},
        ]
        assert await other.ask("two") == ["two", None]


async def test_answers_find_their_questions_in_any_order() -> None:
    second = asyncio.Event()

    async def late_to_the_first(kind: str, _: Any) -> Any:
        if kind == "first":
            await second.wait()
        second.set()
        return kind

    async with pair(late_to_the_first) as (one, _):
        asked = await asyncio.gather(one.ask("first"), one.ask("second"))
        assert list(asked) == ["first", "second"]


async def test_who_is_asked_may_ask_back_before_it_answers() -> None:
    ends: list[End] = []

    async def ask_back(kind: str, _: Any) -> Any:
        return await ends[1].ask(kind + " again")

    async with pair(ask_back) as both:
        ends += both
        assert await both[0].ask("what") == ["what again", None]


async def test_what_could_not_be_answered_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(kind: str, body: Any) -> Any:
        raise ValueError("no such thing")

    with caplog.at_level(logging.CRITICAL):
        async with pair(fail) as (one, other):
            with pytest.raises(Failed, match="ValueError: no such thing"):
                await one.ask("one")
            assert await other.ask("still") == ["still", None]


async def test_large_answers_pass() -> None:
    text = "x" * 3_000_000
    async with pair() as (one, _):
        assert await one.ask("echo", text) == ["echo", text]


async def test_who_is_gone_answers_no_more() -> None:
    asked = asyncio.Event()

    async def never(kind: str, body: Any) -> Any:
        asked.set()
        await asyncio.Event().wait()

    async with pair(never) as (one, other):
        question = asyncio.create_task(one.ask("one"))
        await asked.wait()
        await other.leave()
        with pytest.raises(Gone):
            await question
        with pytest.raises(Gone):
            await one.ask("two")


async def test_a_question_that_is_given_up_leaves_the_next_its_own_answer() -> None:
    heard = asyncio.Event()
    go_on = asyncio.Event()

    async def slow(kind: str, body: Any) -> Any:
        heard.set()
        await go_on.wait()
        return body

    async with pair(slow) as (one, _):
        first = asyncio.create_task(one.ask("slow", 1))
        await heard.wait()
        first.cancel()
        second = asyncio.create_task(one.ask("slow", 2))
        go_on.set()
        assert await second == 2
