"""The stores and the transports that the conformance tests run on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import grpc
import pytest

from service.checkpoint.store import Store
from tests.redis_server import RedisServer, redis_running
from tests.stores import MemoryPlace, Place, RedisPlace, SqlitePlace
from tests.transports import Kind, Served, serving


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_running(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(params=["memory", "sqlite", "redis"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "memory":
        return MemoryPlace()
    if request.param == "sqlite":
        return SqlitePlace(request.getfixturevalue("tmp_path"))
    server = request.getfixturevalue("server")
    server.empty()
    return RedisPlace(server)


@pytest.fixture
async def store(place: Place) -> AsyncIterator[Store]:
    made = place.store()
    yield made
    await made.close()


@pytest.fixture
async def other(place: Place) -> AsyncIterator[Store]:
    """Another process's store over the same records."""
    made = place.store()
    yield made
    await made.close()


@pytest.fixture(params=["grpc", "nghttp2"])
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture
async def served(kind: Kind) -> AsyncIterator[Served]:
    async with serving(kind) as found:
        yield found


@pytest.fixture
async def channel(served: Served) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(served.address) as found:
        yield found
