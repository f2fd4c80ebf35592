from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.transport.compression import Packed
from service.transport.framing import Assembler, prefix
from service.transport.refusals import Malformed, Refused, TooLarge, UnknownEncoding

LIMIT = 64
messages = st.lists(st.binary(max_size=LIMIT), max_size=8)


def framed(sent: list[bytes]) -> bytes:
    return b"".join(prefix(0, len(message)) + message for message in sent)


@given(messages, st.data())
def test_messages_come_whole_wherever_the_pieces_end(
    sent: list[bytes], data: st.DataObject
) -> None:
    wire = framed(sent)
    cuts = data.draw(st.lists(st.integers(0, len(wire))))
    ends = [*sorted(cuts), len(wire)]
    assembler = Assembler(LIMIT)
    found = sum(assembler.feed(wire[a:b]) for a, b in zip([0, *ends], ends, strict=False))
    found += assembler.feed(framed([b"next"]))
    assert list(assembler.messages) == [*sent, b"next"]
    assert found == len(sent) + 1


@given(messages, st.binary(min_size=1, max_size=LIMIT))
def test_a_message_that_has_begun_waits_for_its_rest(sent: list[bytes], last: bytes) -> None:
    assembler = Assembler(LIMIT)
    wire = framed([*sent, last])
    assert assembler.feed(wire[:-1]) == len(sent)
    assert list(assembler.messages) == sent
    assert assembler.feed(wire[-1:]) == 1
    assert list(assembler.messages) == [*sent, last]


@pytest.mark.parametrize(
    ("head", "fault"),
    [
        (prefix(0, LIMIT + 1), TooLarge),
        (prefix(0, 2**32 - 1), TooLarge),
        (prefix(1, 3), UnknownEncoding),
        (prefix(2, 3), Malformed),
        (prefix(255, 0), Malformed),
    ],
)
@pytest.mark.parametrize("body", [b"", b"abc", bytes(LIMIT + 1)])
def test_what_is_not_taken_is_refused_by_its_prefix(
    head: bytes, body: bytes, fault: type[Refused]
) -> None:
    with pytest.raises(fault):
        Assembler(LIMIT, "zstd").feed(head + body)


def test_a_compressed_message_is_left_as_it_came() -> None:
    assembler = Assembler(LIMIT, "gzip")
    assert assembler.feed(prefix(1, 3) + b"abc" + prefix(0, 1) + b"d") == 2
    assert [type(message) for message in assembler.messages] == [Packed, bytes]
    assert list(assembler.messages) == [b"abc", b"d"]
