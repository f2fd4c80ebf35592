"""The bytes of a recording: what is written is read, and what is damaged is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.recording.framing import MAGIC, Damage, Found, NoRecording, framed, records
from stepwire.recording.v1 import recording_pb2 as rec
from tests.recordings import begun

HEADER = rec.Record(header=rec.Header(format=1, recorder="0.1.0"))
END = rec.Record(end=rec.End(at_us=7))
START = MAGIC + framed(HEADER)

numbers = st.integers(0, 2**64 - 1)
tensors = st.lists(st.binary(max_size=40), max_size=3)
steps = st.builds(
    rec.Step, step=numbers, asked_us=numbers, answered_us=numbers, inputs=tensors, outputs=tensors
).map(lambda made: rec.Record(step=made))
refusals = st.builds(rec.Refused, step=numbers, message=st.text(max_size=20)).map(
    lambda made: rec.Record(refused=made)
)
written = st.lists(st.one_of(steps, refusals, st.just(begun())), max_size=6)


def laid(*made: rec.Record) -> bytes:
    return START + b"".join(map(framed, made))


def found(data: bytes) -> tuple[list[rec.Record], Damage | None]:
    """Behind the header."""
    all_ = list(records(data))
    last = all_[-1] if all_ and isinstance(all_[-1], Damage) else None
    return [each.record for each in all_ if isinstance(each, Found)][1:], last


@given(written)
def test_what_was_written_is_read(made: list[rec.Record]) -> None:
    assert found(laid(*made, END)) == ([*made, END], None)


@given(written, st.data())
def test_a_recording_that_is_cut_is_read_up_to_the_cut(
    made: list[rec.Record], data: st.DataObject
) -> None:
    whole = laid(*made, END)
    cut = data.draw(st.integers(len(START), len(whole) - 1))
    read, damage = found(whole[:cut])
    ends = [len(laid(*made[:count])) for count in range(len(made) + 1)]
    kept = max(count for count, end in enumerate(ends) if end <= cut)
    assert read == made[:kept]
    assert damage == Damage(ends[kept], "cut off")


@given(written, st.data())
def test_a_bit_that_was_flipped_ends_what_is_read(
    made: list[rec.Record], data: st.DataObject
) -> None:
    whole = bytearray(laid(*made, END))
    place = data.draw(st.integers(len(START), len(whole) - 1))
    whole[place] ^= 1 << data.draw(st.integers(0, 7))
    read, damage = found(bytes(whole))
    kept = max(c for c in range(len(made) + 1) if len(laid(*made[:c])) <= place)
    assert read == made[:kept]
    assert damage and damage.offset == len(laid(*made[:kept]))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "no recording"),
        (b"PK\x03\x04 and more of another file", "no recording"),
        (MAGIC, "its first record is damaged"),
        (START[:-1], "its first record is damaged"),
        (MAGIC + framed(END), "its first record is damaged"),
        (
            MAGIC + framed(rec.Record(header=rec.Header(format=2, recorder="3.1"))),
            "of format 2, made by stepwire 3.1, and this version reads format 1",
        ),
    ],
)
def test_what_is_no_recording_is_told(data: bytes, told: str) -> None:
    with pytest.raises(NoRecording, match=told):
        list(records(data))
