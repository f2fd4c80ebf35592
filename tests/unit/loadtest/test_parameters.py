from __future__ import annotations

import click
import pytest

from loadtest.parameters import Address


def taken(text: str, lowest_port: int = 1) -> str:
    return Address(lowest_port=lowest_port).convert(text, None, None)


@pytest.mark.parametrize(
    "text", ["localhost:50051", "[::1]:50051", "unix:/tmp/s", "unix-abstract:s"]
)
def test_an_address_is_taken_as_it_is(text: str) -> None:
    assert taken(text) == text


@pytest.mark.parametrize("text", ["::1", "http://h:50051", "h:99999999", " h:1", "h:0", "unix:"])
def test_what_is_no_address_is_told_in_one_line(text: str) -> None:
    with pytest.raises(click.BadParameter) as told:
        taken(text)
    assert told.value.message.startswith(f"{text!r} is no HOST:PORT: ")
    assert "\n" not in told.value.message


def test_a_free_port_is_for_those_who_listen() -> None:
    assert taken("localhost:0", lowest_port=0) == "localhost:0"
