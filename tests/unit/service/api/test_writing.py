from __future__ import annotations

import asyncio
from typing import Any, NoReturn

import grpc

from service.api.writing import Writing
from tests.talking import Talking


class Client(Talking):
    def __init__(self, *, direct: bool) -> None:
        super().__init__(direct=direct)
        self.heard: list[str] = []

    def heard_of(self, message: str) -> None:
        self.heard.append(message)


def writing(context: Any) -> Writing[str]:
    return Writing(context)


async def test_an_offer_is_taken_where_the_transport_can() -> None:
    client = Client(direct=True)
    assert writing(client).takes_offers
    assert writing(client).offer("here")
    assert client.heard == ["here"]


async def test_no_offer_is_taken_where_the_transport_cannot() -> None:
    client = Client(direct=False)
    assert not writing(client).takes_offers
    assert not writing(client).offer("here")
    assert client.heard == []


async def test_no_offer_overtakes_what_waits_for_the_client() -> None:
    client = Client(direct=True)
    told = writing(client)
    client.reads.clear()
    waiting = asyncio.create_task(told.write("first"))
    await client.turns()
    client.reads.set()
    assert not told.takes_offers
    assert not told.offer("second")
    await waiting
    assert told.offer("third")
    assert client.heard == ["first", "third"]


async def test_a_write_that_fails_lets_offers_be_made_again() -> None:
    client = Client(direct=True)
    told = writing(client)
    client.reads.clear()
    waiting = asyncio.create_task(told.write("first"))
    await client.turns()
    waiting.cancel()
    await asyncio.wait([waiting])
    assert told.takes_offers


def test_who_offers_too_large_a_message_is_spared_the_error_of_its_call() -> None:
    class Refusing:
        def offer(self, message: str) -> NoReturn:
            raise grpc.aio.AbortError("too large")

    assert not writing(Refusing()).offer("long")
