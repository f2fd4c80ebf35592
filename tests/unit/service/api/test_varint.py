from __future__ import annotations

from google.protobuf.internal.encoder import _VarintBytes  # type: ignore[attr-defined]  # no types
from hypothesis import given
from hypothesis import strategies as st

from service.api.varint import varint


@given(st.integers(0, 2**64 - 1))
def test_numbers_are_written_as_protobuf_writes_them(number: int) -> None:
    assert varint(number) == _VarintBytes(number)
