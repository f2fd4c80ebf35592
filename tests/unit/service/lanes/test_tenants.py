from __future__ import annotations

import pytest

from service.core.errors import ServerDraining, TooManyStreams
from service.core.lateness import LatePolicy
from service.core.streams import Stream, StreamKey, hash_token
from service.lanes.tenants import Tenants
from service.runtime.loss import Loss
from tests.fakes import MODEL, TOKEN, Connection
from tests.lossy import ILLEGAL


class Rows:
    """An array of so many rows."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.capacity = 0

    def reserve(self, capacity: int) -> None:
        if capacity > self.most:
            raise MemoryError(f"{capacity} rows of {self.most}")
        self.capacity = capacity


def stream(name: str) -> Stream:
    return Stream(StreamKey("", name), hash_token(TOKEN), MODEL, LatePolicy.FLAG, Connection())


def settle(tenants: Tenants, one: Stream) -> int:
    with tenants.lent(one) as row:
        return row


def test_arrays_grow_before_a_slot_is_filled() -> None:
    rows = Rows(most=64)
    tenants = Tenants(MODEL, [rows], Loss())
    streams = [stream(str(number)) for number in range(40)]
    assert [settle(tenants, one) for one in streams] == list(range(40))
    assert rows.capacity == len(tenants.by_row) == 64
    assert tenants.by_row[:40] == streams
    tenants.release(streams[7])
    assert streams[7].slot is None and tenants.by_row[7] is None
    assert settle(tenants, stream("another")) == 7


def test_a_stream_without_memory_is_refused_and_leaves_no_trace() -> None:
    rows = Rows(most=16)
    tenants = Tenants(MODEL, [rows], Loss())
    for number in range(16):
        settle(tenants, stream(str(number)))
    late = stream("late")
    for _ in range(2):
        with pytest.raises(TooManyStreams, match="accumulator/1: 32 rows of 16"):
            settle(tenants, late)
        assert late.slot is None and tenants.slots.held == 16
    first = tenants.by_row[0]
    assert first
    tenants.release(first)
    assert settle(tenants, stream("another")) == 0, "a free row needs no growth"
    rows.most = 32
    assert settle(tenants, late) == 16


def test_a_slot_that_is_not_filled_is_taken_back() -> None:
    tenants = Tenants(MODEL, [], Loss())
    with pytest.raises(ValueError, match="does not fit"), tenants.lent(stream("a")):
        raise ValueError("does not fit")
    assert tenants.slots.held == 0


def test_a_loss_is_noticed_and_told_as_a_server_that_goes() -> None:
    loss = Loss()
    tenants = Tenants(MODEL, [], loss)
    with pytest.raises(ServerDraining, match="lost its device"), tenants.lent(stream("a")):
        raise RuntimeError(ILLEGAL)
    assert loss.reason == ILLEGAL and tenants.slots.held == 0
