from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.transport.metadata import BadRequest, Field, fields, request, seconds, status

CALL: list[Field] = [
    (b":method", b"POST"),
    (b":scheme", b"http"),
    (b":path", b"/a.B/C"),
    (b":authority", b"localhost"),
    (b"te", b"trailers"),
    (b"content-type", b"application/grpc+proto"),
    (b"grpc-encoding", b"identity"),
]


def changed(name: bytes, value: bytes) -> list[Field]:
    return [*(field for field in CALL if field[0] != name), (name, value)]


def test_a_call_is_its_path_its_timeout_and_its_metadata() -> None:
    found = request([*CALL, (b"grpc-timeout", b"250m"), (b"user-agent", b"x"), (b"a", b"b, c")])
    assert found.path == "/a.B/C"
    assert found.timeout == 0.25
    assert found.metadata == (("user-agent", "x"), ("a", "b, c"))


def test_without_a_timeout_there_is_none() -> None:
    assert request(CALL).timeout is None


@pytest.mark.parametrize("value", [b"AP8", b"AP8="])
def test_binary_metadata_comes_with_and_without_padding(value: bytes) -> None:
    assert request([*CALL, (b"a-bin", value)]).metadata == (("a-bin", b"\x00\xff"),)


def test_values_of_binary_metadata_may_share_a_header() -> None:
    assert request([*CALL, (b"a-bin", b"AA,AQ")]).metadata == (("a-bin", b"\0"), ("a-bin", b"\1"))


@given(st.text(st.characters(codec="ascii", categories=["L"]), min_size=1), st.binary())
def test_binary_metadata_comes_back_as_it_went(name: str, value: bytes) -> None:
    key = f"x-{name.lower()}-bin"
    assert request([*CALL, *fields([(key, value)])]).metadata == ((key, value),)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        (b":method", b"GET", 405),
        (b"content-type", b"text/html", 415),
        (b"grpc-timeout", b"soon", 400),
        (b"a-bin", b"?", 400),
    ],
)
def test_what_is_no_call_is_refused(name: bytes, value: bytes, code: int) -> None:
    with pytest.raises(BadRequest) as refused:
        request(changed(name, value))
    assert refused.value.status == code


@given(st.binary(max_size=30))
def test_any_path_is_a_text(path: bytes) -> None:
    assert isinstance(request(changed(b":path", path)).path, str)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1H", 3600), ("2M", 120), ("3S", 3), ("4m", 0.004), ("5u", 5e-6), ("99999999n", 0.099999999)],
)
def test_timeouts_have_units(text: str, expected: float) -> None:
    assert seconds(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "S", "1", "1x", "-1S", "1.5S", "123456789S", "¹S"])
def test_other_timeouts_are_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        seconds(text)


@given(st.text())
def test_a_status_message_is_printable_and_comes_back_as_it_went(message: str) -> None:
    encoded = message.encode(errors="ignore").decode()
    told = dict(status(13, encoded, ())).get(b"grpc-message", b"")
    assert all(0x20 <= byte <= 0x7E for byte in told)
    assert unquote(told.decode("ascii"), errors="strict") == encoded


def test_a_status_has_its_number_and_metadata() -> None:
    assert status(0, "", (("Name", "value"),)) == [(b"grpc-status", b"0"), (b"name", b"value")]
