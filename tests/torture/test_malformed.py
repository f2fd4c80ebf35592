"""Messages that nobody should send."""

from __future__ import annotations

import random
from pathlib import Path

from google.protobuf.message import DecodeError

from stepwire.v1 import stream_pb2 as pb
from torture.frames import PREFACE, Frame, Garbler, Kind, call
from torture.grammar import Grammar
from torture.malformed import flood_with_malformed_messages
from torture.mutator import Mutator


async def test_a_flood_of_malformed_messages_moves_no_stream(tmp_path: Path) -> None:
    figures = await flood_with_malformed_messages(tmp_path, messages=4000, streams=4)
    assert figures.refused_in_stream > 400
    assert {"INVALID_ARGUMENT", "NOT_FOUND", "no HTTP/2"} <= set(figures.statuses)


def test_the_grammar_knows_every_event_and_numbers_that_no_enum_has() -> None:
    grammar = Grammar(random.Random(0), ["witness"])
    drawn = [grammar.message(pb.StreamRequest.DESCRIPTOR) for _ in range(300)]
    requests = [message for message in drawn if isinstance(message, pb.StreamRequest)]
    assert {message.WhichOneof("event") for message in requests} == {"open", "step", "close", None}
    assert any(message.open.mode not in pb.OpenMode.values() for message in requests)
    assert any(len(message.step.inputs) > 100 for message in requests)


def test_mutations_leave_some_bytes_readable_and_others_not() -> None:
    mutator = Mutator(random.Random(0))
    sound = pb.StreamRequest(step=pb.Step(step=3, inputs=[bytes(16)])).SerializeToString()
    readable = 0
    for _ in range(300):
        try:
            pb.StreamRequest.FromString(mutator.mutate(sound))
            readable += 1
        except DecodeError:
            pass
    assert 30 < readable < 270


def test_a_frame_says_its_length_or_another() -> None:
    frame = Frame(Kind.PING, 0, 0, bytes(8))
    assert frame.encode() == b"\x00\x00\x08\x06\x00\x00\x00\x00\x00" + bytes(8)
    assert frame.encode(length=2**24 - 1)[:3] == b"\xff\xff\xff"


def test_garbled_conversations_differ_from_sound_ones() -> None:
    garbler = Garbler(random.Random(0), Mutator(random.Random(0)).mutate)
    sound = PREFACE + b"".join(frame.encode() for frame in call("/a.B/C", [b"message"]))
    garbled = [garbler.garble("/a.B/C", b"message") for _ in range(100)]
    assert sum(data != sound for data in garbled) > 90
