"""Both transports over TLS, seen by gRPC's own client."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import pytest

from service.access import certificates
from service.access.certificates import Certificates
from service.access.files import Watched
from tests.certificates import Authority, Pair
from tests.transports import Kind, Served, serving

BIG = bytes(300_000)


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ours")


@pytest.fixture
def strangers(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "strangers")


def watched(pair: Pair, clients: Authority | None = None) -> Watched[Certificates]:
    authority = clients.certificate if clients else None
    return certificates.watch(pair.certificate, pair.key, authority)


async def ask(served: Served, trusted: Authority, own: Pair | None = None) -> bytes:
    credentials = grpc.ssl_channel_credentials(
        trusted.certificate.read_bytes(),
        own.key.read_bytes() if own else None,
        own.certificate.read_bytes() if own else None,
    )
    async with grpc.aio.secure_channel(f"localhost:{served.port}", credentials) as channel:
        echo: Any = channel.stream_stream("/scenes/Echo")
        call = echo()
        await call.write(BIG)
        answer: bytes = await call.read()
        await call.done_writing()
        return answer


async def is_refused(served: Served, trusted: Authority, own: Pair | None = None) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await ask(served, trusted, own)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_calls_are_encrypted(kind: Kind, ours: Authority, strangers: Authority) -> None:
    async with serving(kind, certificates=watched(ours.issue("localhost"))) as served:
        assert await ask(served, ours) == BIG
        await is_refused(served, strangers)


async def test_clients_need_a_certificate_where_an_authority_is_named(
    kind: Kind, ours: Authority, strangers: Authority
) -> None:
    async with serving(kind, certificates=watched(ours.issue("localhost"), ours)) as served:
        assert await ask(served, ours, ours.issue("robot")) == BIG
        await is_refused(served, ours)
        await is_refused(served, ours, strangers.issue("robot"))
        await is_refused(served, ours, ours.issue("robot", expired=True))


async def test_a_connection_meets_the_certificates_as_they_are_then(
    kind: Kind, ours: Authority, strangers: Authority
) -> None:
    pair, other = ours.issue("localhost"), strangers.issue("localhost")
    async with serving(kind, certificates=watched(pair)) as served:
        assert await ask(served, ours) == BIG
        pair.certificate.write_bytes(other.certificate.read_bytes())
        pair.key.write_bytes(other.key.read_bytes())
        assert await ask(served, strangers) == BIG
        await is_refused(served, ours)


async def test_plain_text_is_turned_away(kind: Kind, ours: Authority) -> None:
    async with serving(kind, certificates=watched(ours.issue("localhost"))) as served:
        async with grpc.aio.insecure_channel(served.address) as channel:
            unary: Any = channel.unary_unary("/scenes/Unary")
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await unary(b"")
            assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        assert await ask(served, ours) == BIG
