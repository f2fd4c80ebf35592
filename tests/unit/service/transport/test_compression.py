from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.transport.compression import Packed, check, unpacked
from service.transport.refusals import Malformed, TooLarge, UnknownEncoding

LIMIT = 1000
PACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress}


@pytest.mark.parametrize("encoding", PACK)
@given(message=st.binary(max_size=LIMIT))
def test_messages_are_what_they_were(encoding: str, message: bytes) -> None:
    check(encoding)
    assert unpacked(Packed(PACK[encoding](message)), encoding, LIMIT) == message


@pytest.mark.parametrize("encoding", PACK)
def test_a_small_message_that_becomes_a_large_one_is_not_unpacked(encoding: str) -> None:
    assert len(unpacked(Packed(PACK[encoding](bytes(LIMIT))), encoding, LIMIT)) == LIMIT
    for size in (LIMIT + 1, 10_000_000):
        with pytest.raises(TooLarge, match="larger than max"):
            unpacked(Packed(PACK[encoding](bytes(size))), encoding, LIMIT)


@pytest.mark.parametrize("encoding", PACK)
def test_what_is_no_compressed_message_is_told_so(encoding: str) -> None:
    whole = PACK[encoding](b"message")
    for data in (whole[:-1], b"no such thing", whole + b"more", whole + whole):
        with pytest.raises(Malformed, match=encoding):
            unpacked(Packed(data), encoding, LIMIT)


@pytest.mark.parametrize("encoding", PACK)
def test_nothing_at_all_is_an_empty_message(encoding: str) -> None:
    assert unpacked(Packed(b""), encoding, LIMIT) == b""


def test_an_encoding_has_to_be_named_and_known() -> None:
    with pytest.raises(Malformed, match="does not say how"):
        check("identity")
    with pytest.raises(UnknownEncoding, match="identity, deflate, gzip, and not as 'zstd'"):
        check("zstd")
