"""The bytes of a recording, as recording.proto says."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from google.protobuf.message import DecodeError

from stepwire.recording.v1 import recording_pb2 as pb

MAGIC = b"STEPREC\n"
FORMAT = 1
_LENGTH = struct.Struct("<I")
_FRAME = struct.Struct("<II")
"""Length and checksum."""

Bytes = bytes | memoryview


class NoRecording(ValueError):
    """The bytes are not those of a recording that can be read here."""


class Found(NamedTuple):
    record: pb.Record
    offset: int
    """In bytes, of its frame."""


class Damage(NamedTuple):
    """Where a recording cannot be read any further."""

    offset: int
    reason: str


def framed(record: pb.Record) -> bytes:
    message = record.SerializeToString()
    length = _LENGTH.pack(len(message))
    return length + _LENGTH.pack(zlib.crc32(message, zlib.crc32(length))) + message


def checked(data: Bytes) -> pb.Header:
    """The header of a recording. Raises NoRecording."""
    if data[: len(MAGIC)] != MAGIC:
        raise NoRecording("it is no recording of `stepwire record`")
    first = read(data, len(MAGIC))
    if isinstance(first, Damage) or first[0].WhichOneof("kind") != "header":
        raise NoRecording("nothing of the recording can be read: its first record is damaged")
    header = first[0].header
    if header.format != FORMAT:
        raise NoRecording(
            f"it is of format {header.format}, made by stepwire {header.recorder}, and this "
            f"version reads format {FORMAT}"
        )
    return header


def read(data: Bytes, offset: int) -> tuple[pb.Record, int] | Damage:
    """The record there, and where the next one is."""
    begin = offset + _FRAME.size
    if begin > len(data):
        return Damage(offset, "cut off")
    length, checksum = _FRAME.unpack_from(data, offset)
    end = begin + length
    if end > len(data):
        return Damage(offset, "cut off")
    message = bytes(data[begin:end])
    if zlib.crc32(message, zlib.crc32(_LENGTH.pack(length))) != checksum:
        return Damage(offset, "damaged")
    try:
        return pb.Record.FromString(message), end
    except DecodeError:
        return Damage(offset, "damaged")


def records(data: Bytes) -> Iterator[Found | Damage]:
    """In their order, the header first; damage is the last that comes. Raises NoRecording."""
    checked(data)
    offset, ended = len(MAGIC), False
    while offset < len(data):
        found = read(data, offset)
        if isinstance(found, Damage):
            yield found
            return
        record, following = found
        yield Found(record, offset)
        ended = record.WhichOneof("kind") == "end"
        offset = following
    if not ended:
        yield Damage(offset, "cut off")
