from __future__ import annotations

import zlib
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.checkpoint.codec import decode, encode
from service.checkpoint.store import CheckpointUnreadable
from service.core.checkpoint import Checkpoint
from service.core.streams import ModelKey
from stepwire.v1.checkpoint_pb2 import CheckpointBody, CheckpointEnvelope

CHECKPOINT = Checkpoint(
    model=ModelKey("gru", 3),
    digest="5e" * 32,
    numerics="cpu avx2 1.31",
    next_step=7,
    states=(bytes(range(64)), b""),
    outputs=(b"\x00\xff" * 16,),
    seals=(1 << 32 | 0xFFFFFFFF, 3 << 32),
    holder=b"\x01\x02",
)

checkpoints = st.builds(
    Checkpoint,
    model=st.builds(ModelKey, st.text(), st.integers(1, 2**63 - 1)),
    digest=st.text(),
    numerics=st.text(),
    next_step=st.integers(0, 2**53 - 1),
    states=st.lists(st.binary()).map(tuple),
    outputs=st.lists(st.binary()).map(tuple),
    seals=st.lists(st.integers(0, 3 << 32 | 0xFFFFFFFF)).map(tuple),
    holder=st.binary(),
)


@given(checkpoints)
def test_every_checkpoint_comes_back_as_it_was(checkpoint: Checkpoint) -> None:
    assert decode(encode(checkpoint)) == checkpoint


@given(st.data())
def test_changed_bytes_are_refused_or_mean_the_same(data: st.DataObject) -> None:
    good = encode(CHECKPOINT)
    start = data.draw(st.integers(0, len(good)), "start")
    end = data.draw(st.integers(start, min(len(good), start + 8)), "end")
    changed = good[:start] + data.draw(st.binary(max_size=8), "in their place") + good[end:]
    try:
        assert decode(changed) == CHECKPOINT
    except CheckpointUnreadable:
        assert changed != good


@given(st.binary())
@example(b"\x08\x01")  # a format, and no body, whose checksum of nothing is right
def test_any_bytes_at_all_are_refused(data: bytes) -> None:
    with pytest.raises(CheckpointUnreadable, match=f"the {len(data)} bytes .* are damaged|newer"):
        decode(data)


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.99])
def test_a_checkpoint_cut_short_is_refused(kept: float) -> None:
    data = encode(replace(CHECKPOINT, states=(bytes(4096),)))
    with pytest.raises(CheckpointUnreadable):
        decode(data[: int(kept * len(data))])


def test_one_flipped_bit_anywhere_in_the_state_is_told() -> None:
    data = bytearray(encode(CHECKPOINT))
    start = bytes(data).index(CHECKPOINT.states[0])
    for at in range(start, start + len(CHECKPOINT.states[0])):
        data[at] ^= 0x10
        with pytest.raises(CheckpointUnreadable, match="damaged"):
            decode(bytes(data))
        data[at] ^= 0x10
    assert decode(bytes(data)) == CHECKPOINT


def test_a_newer_format_is_named() -> None:
    data = CheckpointEnvelope(format=2, body=b"of the future").SerializeToString()
    with pytest.raises(CheckpointUnreadable, match="format 2, of a newer version"):
        decode(data)


def test_a_body_that_is_no_checkpoint_is_refused_though_its_checksum_is_right() -> None:
    body = b"\xff" * 8
    envelope = CheckpointEnvelope(format=1, checksum=zlib.crc32(body), body=body)
    with pytest.raises(CheckpointUnreadable, match="damaged"):
        decode(envelope.SerializeToString())


def test_a_field_that_a_later_version_adds_is_passed_over() -> None:
    envelope = CheckpointEnvelope.FromString(encode(CHECKPOINT))
    added = b"\xfa\x01\x03new"  # field 31, three bytes
    CheckpointBody.FromString(added)
    envelope.body += added
    envelope.checksum = zlib.crc32(envelope.body)
    assert decode(envelope.SerializeToString()) == CHECKPOINT
