from __future__ import annotations

import pytest

from service.addresses import host_of, is_loopback, is_port


def test_a_host_may_hold_colons() -> None:
    assert [host_of("[::1]:50051"), host_of("localhost:0")] == ["[::1]", "localhost"]


@pytest.mark.parametrize(("port", "is_one"), [("0", True), ("65535", True), ("65536", False)])
def test_a_port_is_a_number_of_16_bits(port: str, is_one: bool) -> None:
    assert is_port(port) is is_one
    assert not is_port(port + "٣") and not is_port("")


def test_only_this_machine_reaches_loopback() -> None:
    assert all(map(is_loopback, ("localhost", "127.9.9.9", "[::1]")))
    assert not any(map(is_loopback, ("0.0.0.0", "[::]", "192.168.0.1", "example.org", "")))
