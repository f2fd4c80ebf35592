from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from service.startup import StartError
from service.workers.port import reserved


@contextmanager
def listening(address: str, *, shares: bool) -> Iterator[socket.socket]:
    """With the options that gRPC gives its sockets."""
    host, _, port = address.rpartition(":")
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(shares))
        one.bind((host, int(port)))
        one.listen()
        one.settimeout(10)
        yield one


def test_port_0_takes_one_port_that_many_can_listen_on() -> None:
    with reserved("127.0.0.1:0") as address:
        assert not address.endswith(":0")
        with listening(address, shares=True), listening(address, shares=True) as second:
            assert f"127.0.0.1:{second.getsockname()[1]}" == address


def test_nobody_listens_on_a_reserved_port_who_does_not_share() -> None:
    with reserved("127.0.0.1:0") as address, pytest.raises(OSError, match="in use"):
        with listening(address, shares=False):
            pass


def test_a_reserved_port_takes_no_connections_itself() -> None:
    with reserved("127.0.0.1:0") as address, listening(address, shares=True) as only:
        for _ in range(20):
            with socket.create_connection(only.getsockname(), 10):
                only.accept()[0].close()


@pytest.mark.parametrize("shares", [False, True])
def test_a_port_on_which_another_listens_is_refused_even_if_it_shares(shares: bool) -> None:
    with listening("127.0.0.1:0", shares=shares) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(StartError, match=f"cannot listen on {address}: it is taken"):
            with reserved(address):
                pass


def test_a_port_that_another_has_reserved_is_refused() -> None:
    with reserved("127.0.0.1:0") as address, pytest.raises(StartError, match="it is taken"):
        with reserved(address):
            pass


def test_a_port_is_free_again_at_once_after_a_service_that_closed_connections() -> None:
    with reserved("127.0.0.1:0") as address, listening(address, shares=True) as only:
        with socket.create_connection(only.getsockname()) as client:
            only.accept()[0].close()
            client.recv(1)
    with reserved(address) as again:
        assert again == address


@pytest.mark.parametrize("host", ["localhost", "[::1]", "0.0.0.0"])
def test_every_address_of_a_host_is_reserved(host: str) -> None:
    with reserved(f"{host}:0") as address, pytest.raises(StartError):
        with reserved(address):
            pass


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid"])
def test_an_address_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(StartError, match="not this machine's"):
        with reserved(f"{host}:0"):
            pass


def test_an_address_that_the_machine_lacks_is_left_out_of_a_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kind = socket.AF_INET, socket.SOCK_STREAM, 0, ""
    found = [(*kind, ("192.0.2.1", 0)), (*kind, ("127.0.0.1", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with reserved("both:0") as address:
        port = address.rpartition(":")[2]
        with listening(f"127.0.0.1:{port}", shares=True):
            pass
