from __future__ import annotations

import click
import pytest

from loadtest.parameters import Address


def taken(text: str, *, listens: bool = False) -> str:
    return Address(listens=listens).convert(text, None, None)


@pytest.mark.parametrize("listens", [False, True])
@pytest.mark.parametrize(
    "text", ["localhost:50051", "[::1]:50051", "unix:/tmp/s", "unix-abstract:s"]
)
def test_an_address_is_taken_as_it_is(text: str, listens: bool) -> None:
    assert taken(text, listens=listens) == text


@pytest.mark.parametrize("text", ["::1", "http://h:50051", "h:99999999", " h:1", "h:0", "unix:"])
def test_what_is_no_address_is_told_in_one_line(text: str) -> None:
    with pytest.raises(click.BadParameter) as told:
        taken(text)
    assert told.value.message.startswith(f"{text!r} is no HOST:PORT: ")
    assert "\n" not in told.value.message


@pytest.mark.parametrize("text", ["ipv4:127.0.0.1:1", "ipv6:[::1]:1", "dns:h:1", "dns:///h:1"])
def test_a_target_of_grpc_is_for_those_who_connect(text: str) -> None:
    assert taken(text) == text
    with pytest.raises(click.BadParameter):
        taken(text, listens=True)


def test_a_free_port_is_for_those_who_listen() -> None:
    assert taken("localhost:0", listens=True) == "localhost:0"
