from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.checksums import checksum, checksums

SIZES = st.sampled_from([0, 1, 4, 7, 8, 12, 64, 600, 4000])


@given(st.lists(SIZES, max_size=3), st.integers(1, 5), st.integers(0, 2**32))
def test_one_step_has_the_checksum_that_it_has_among_many(
    sizes: list[int], rows: int, seed: int
) -> None:
    source = random.Random(seed)
    tensors = [[source.randbytes(size) for size in sizes] for _ in range(rows)]
    together = [b"".join(column) for column in zip(*tensors, strict=True)]
    assert checksums(together, rows).tolist() == [checksum(each) for each in tensors]


@given(st.binary(min_size=1, max_size=100), st.data())
def test_another_byte_anywhere_gives_another_checksum(data: bytes, draw: st.DataObject) -> None:
    place = draw.draw(st.integers(0, len(data) - 1))
    other = bytearray(data)
    other[place] ^= draw.draw(st.integers(1, 255))
    assert checksum([data]) != checksum([bytes(other)])


def test_words_that_change_places_give_another_checksum() -> None:
    first, second = bytes(range(8)), bytes(range(8, 16))
    assert checksum([first + second]) != checksum([second + first])
    assert checksum([first, second]) == checksum([first + second])


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ([], 0),
        ([b"\x01"], 3793791033),
        ([bytes(range(64))], 2137454058),
        ([b"x" * 601], 1112570622),
    ],
)
def test_checksums_stay_the_same_for_ever(inputs: list[bytes], expected: int) -> None:
    assert checksum(inputs) == expected
