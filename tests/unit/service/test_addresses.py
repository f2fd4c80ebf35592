from __future__ import annotations

import pytest

from service.addresses import address, host_of, is_loopback, url


def test_a_host_may_hold_colons() -> None:
    assert [host_of("[::1]:50051"), host_of("localhost:0")] == ["[::1]", "localhost"]


@pytest.mark.parametrize("text", ["[::1]:0", "localhost:65535"])
def test_an_address_is_a_host_and_a_port(text: str) -> None:
    assert address(text) == text


@pytest.mark.parametrize("text", ["[::1]:65536", "::1", ":1", "a", " a:1"])
def test_what_is_no_address_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="not HOST:PORT"):
        address(text)


def test_a_url_is_one_of_http() -> None:
    assert url("https://a:4318/otlp") == "https://a:4318/otlp"


@pytest.mark.parametrize("text", ["a:4318", "ftp://a", "http://", "http://a?b", "http://a#b"])
def test_what_is_no_url_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="not a URL"):
        url(text)


def test_only_this_machine_reaches_loopback() -> None:
    assert all(map(is_loopback, ("localhost", "127.9.9.9", "[::1]")))
    assert not any(map(is_loopback, ("0.0.0.0", "[::]", "192.168.0.1", "example.org", "")))
