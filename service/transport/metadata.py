"""Headers of HTTP/2 as gRPC's metadata, and back.

Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias
from urllib.parse import quote

Field: TypeAlias = tuple[bytes, bytes]
Metadata: TypeAlias = tuple[tuple[str, str | bytes], ...]

_RESERVED = {b"te", b"content-type", b"host"}
_UNITS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
_LONGEST = 8
"""Digits of a timeout."""
_KEPT = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")
"""What a status message keeps as it is."""


class BadRequest(Exception):
    """Headers that are no gRPC; `status` is HTTP's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Request(NamedTuple):
    """What the headers of a call say."""

    path: str
    timeout: float | None
    """Seconds that the call may take; None: as long as it likes."""
    metadata: Metadata
    encoding: str = "identity"
    """Of its messages that are compressed."""


def request(fields: Iterable[Field]) -> Request:
    """Raises BadRequest."""
    path = method = content_type = b""
    timeout, encoding = None, "identity"
    metadata: list[tuple[str, str | bytes]] = []
    for name, value in fields:
        if name == b":path":
            path = value
        elif name == b":method":
            method = value
        elif name == b"content-type":
            content_type = value
        elif name == b"grpc-timeout":
            timeout = seconds(_text(value))
        elif name == b"grpc-encoding":
            encoding = _text(value)
        elif _is_metadata(name):
            metadata += _entries(name, value)
    if method != b"POST":
        raise BadRequest(405, "a call is a POST")
    if not content_type.startswith(b"application/grpc"):
        raise BadRequest(415, "a call is of content type application/grpc")
    return Request(_text(path), timeout, tuple(metadata), encoding)


def fields(metadata: Iterable[tuple[str, str | bytes]]) -> list[Field]:
    """Headers of metadata."""
    return [(_name(name), _value(name, value)) for name, value in metadata]


def status(code: int, message: str, metadata: Iterable[tuple[str, str | bytes]]) -> list[Field]:
    """The trailers of a call."""
    trailers = [(b"grpc-status", b"%d" % code)]
    if message:
        trailers.append((b"grpc-message", quote(message, safe=_KEPT).encode("ascii")))
    return trailers + fields(metadata)


def seconds(text: str) -> float:
    """Of a `grpc-timeout`. Raises BadRequest."""
    digits, unit = text[:-1], text[-1:]
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST and unit in _UNITS):
        raise BadRequest(400, f"grpc-timeout is digits and a unit, not {text!r}")
    return int(digits) * _UNITS[unit]


def _is_metadata(name: bytes) -> bool:
    if name.startswith((b":", b"grpc-")):
        return name.endswith(b"-bin")
    return name not in _RESERVED


def _entries(name: bytes, value: bytes) -> list[tuple[str, str | bytes]]:
    key = _text(name)
    if not key.endswith("-bin"):
        return [(key, _text(value))]
    return [(key, _binary(part.strip())) for part in value.split(b",")]


def _binary(value: bytes) -> bytes:
    """Padding is left out by most. Raises BadRequest."""
    try:
        return b64decode(value + b"=" * (-len(value) % 4), validate=True)
    except binascii.Error as error:
        raise BadRequest(400, "binary metadata is base64") from error


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _name(name: str) -> bytes:
    return name.lower().encode("ascii")


def _value(name: str, value: str | bytes) -> bytes:
    if name.endswith("-bin"):
        return b64encode(value.encode() if isinstance(value, str) else value).rstrip(b"=")
    return value.encode("latin-1", "replace") if isinstance(value, str) else value
