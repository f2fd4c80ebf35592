from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.transport.outbox import Outbox


@given(st.lists(st.binary()), st.lists(st.integers(0, 20)))
def test_bytes_leave_in_order_and_never_more_than_there_is_room_for(
    pieces: list[bytes], rooms: list[int]
) -> None:
    outbox = Outbox()
    for piece in pieces:
        outbox.put(piece)
    whole = b"".join(pieces)
    left = b""
    for room in rooms:
        taken = b"".join(outbox.take(room))
        assert len(taken) == min(room, len(whole) - len(left))
        left += taken
        assert outbox.size == len(whole) - len(left)
    assert left + b"".join(outbox.take(outbox.size)) == whole


def test_large_pieces_are_not_copied() -> None:
    outbox = Outbox()
    large = bytes(100)
    outbox.put(large)
    [first] = outbox.take(30)
    [rest] = outbox.take(100)
    assert isinstance(first, memoryview) and first.obj is large
    assert isinstance(rest, memoryview) and rest.obj is large


def test_what_is_cleared_is_not_sent() -> None:
    outbox = Outbox()
    outbox.put(b"gone")
    outbox.clear()
    assert outbox.size == 0
    assert outbox.take(10) == []
