"""Who the server is, and who a client is, by certificate."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from tests.certificates import Authority, Pair
from tests.e2e.conftest import Start
from tests.e2e.secured import SECONDS, calling, channel, health, put_models
from torture.processes import Server, running

SERVING = (grpc.StatusCode.OK, "SERVING")
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return put_models(tmp_path_factory.mktemp("repository"))


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates") / "ours")


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates") / "strangers")


def tls(pair: Pair, client_authority: Authority | None = None) -> list[str]:
    flags = ["--tls-cert", str(pair.certificate), "--tls-key", str(pair.key)]
    if client_authority:
        flags += ["--tls-client-ca", str(client_authority.certificate)]
    return flags


@pytest.fixture(scope="module")
def secure(
    repository: Path, ours: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("secure") / "log"
    with running(repository, *tls(ours.issue("localhost")), log=log) as server:
        yield server


@pytest.fixture(scope="module")
def mutual(
    repository: Path, ours: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("mutual") / "log"
    with running(repository, *tls(ours.issue("localhost"), ours), log=log) as server:
        yield server


async def test_a_stream_over_tls(secure: Server, ours: Authority) -> None:
    async with calling(channel(secure, ours.certificate)) as call:
        await call.open("tls")
        assert [await call.add(t, 1.0) for t in range(3)] == [1.0, 2.0, 3.0]


async def test_a_client_trusts_its_own_authority_only(secure: Server, strangers: Authority) -> None:
    code, details = await health(channel(secure, strangers.certificate))
    assert code is UNAVAILABLE and "CERTIFICATE_VERIFY_FAILED" in details


async def test_plain_text_is_not_understood(secure: Server) -> None:
    assert (await health(channel(secure)))[0] is UNAVAILABLE


async def test_an_expired_server_is_not_trusted(start: Start, ours: Authority) -> None:
    server = start(*tls(ours.issue("localhost", expired=True)))
    code, details = await health(channel(server, ours.certificate))
    assert code is UNAVAILABLE and "certificate has expired" in details


async def test_a_client_with_our_certificate_is_served(mutual: Server, ours: Authority) -> None:
    async with calling(channel(mutual, ours.certificate, ours.issue("robot"))) as call:
        await call.open("mutual")
        assert await call.add(0, 1.0) == 1.0


@pytest.mark.parametrize("certificate", ["none", "a stranger's", "expired"])
async def test_a_client_without_a_valid_certificate_is_not(
    mutual: Server, ours: Authority, strangers: Authority, certificate: str
) -> None:
    own = {
        "none": None,
        "a stranger's": strangers.issue("robot"),
        "expired": ours.issue("robot", expired=True),
    }[certificate]
    assert (await health(channel(mutual, ours.certificate, own)))[0] is UNAVAILABLE


async def test_a_new_certificate_is_served_without_a_restart(
    start: Start, ours: Authority, strangers: Authority
) -> None:
    pair, new = ours.issue("localhost"), strangers.issue("localhost")
    server = start(*tls(pair))
    async with calling(channel(server, ours.certificate)) as call:
        await call.open("from-before")
        pair.certificate.write_bytes(new.certificate.read_bytes())
        # The key is still the old one's: what works goes on.
        assert await health(channel(server, ours.certificate)) == SERVING
        pair.key.write_bytes(new.key.read_bytes())
        assert await health(channel(server, strangers.certificate)) == SERVING
        assert (await health(channel(server, ours.certificate)))[0] is UNAVAILABLE
        assert await call.add(0, 1.0) == 1.0
    assert server.log.count("is not the key of the certificate") == 1


async def test_clients_of_a_new_authority_are_let_in(
    start: Start, ours: Authority, strangers: Authority, tmp_path: Path
) -> None:
    authorities = tmp_path / "clients.pem"
    authorities.write_bytes(ours.certificate.read_bytes())
    server = start(*tls(ours.issue("localhost")), "--tls-client-ca", str(authorities))
    robot = strangers.issue("robot")
    assert (await health(channel(server, ours.certificate, robot)))[0] is UNAVAILABLE
    authorities.write_bytes(strangers.certificate.read_bytes())
    assert await health(channel(server, ours.certificate, robot)) == SERVING


@pytest.mark.parametrize("wrong", ["missing", "another's"])
def test_a_server_that_cannot_use_its_files_says_so_in_one_line(
    repository: Path, ours: Authority, tmp_path: Path, wrong: str
) -> None:
    pair, other = ours.issue("localhost"), ours.issue("other")
    key = tmp_path / "nowhere" if wrong == "missing" else other.key
    flags = ["--listen", "127.0.0.1:0", "--repository", str(repository), "--log-level", "error"]
    done = subprocess.run(
        [sys.executable, "-m", "service", *flags, *tls(Pair(pair.certificate, key))],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: tls-key: {key} ") and done.stderr.count("\n") == 1


def test_health_is_checked_without_a_certificate(start: Start, ours: Authority) -> None:
    pair = ours.issue("localhost")
    server = start(*tls(pair, ours), "--http-listen", "127.0.0.1:0")
    assert server.process.stdout
    address = server.process.stdout.readline().strip().rpartition("//")[2]
    settings = {"STEPWIRE_TLS_CERT": str(pair.certificate), "STEPWIRE_HTTP_LISTEN": address}

    def check() -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "service.healthcheck"],
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stderr

    assert check() == (0, "")
    server.kill()
    code, said = check()
    assert code == 1 and said.startswith(f"{address} does not answer")


async def test_a_connection_that_says_nothing_keeps_nobody_out(
    secure: Server, ours: Authority
) -> None:
    silent = [await asyncio.open_connection("127.0.0.1", secure.port) for _ in range(50)]
    async with asyncio.timeout(SECONDS):
        assert await health(channel(secure, ours.certificate)) == SERVING
    for _, writer in silent:
        writer.close()
