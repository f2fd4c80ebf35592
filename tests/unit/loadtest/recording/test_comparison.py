"""Outputs side by side."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from loadtest.recording.comparison import Result, difference, unlike
from loadtest.recording.recording import Recorded
from stepwire.recording.v1 import recording_pb2 as rec
from stepwire.tensors import Tensor
from stepwire.v1 import stream_pb2 as pb
from tests.recordings import floats

Y = Tensor(pb.TensorSpec(name="y", dtype="float32", shape=[2, 2]))
SYMBOL = Tensor(pb.TensorSpec(name="symbol", dtype="int64"))

tables = arrays.arrays(np.float32, (2, 2), elements=st.floats(width=32))


def of(was: list[float], now: list[float], atol: float | None = None) -> str:
    return str(difference([Y], [floats(*was)], [floats(*now)], atol))


@given(tables, tables)
def test_outputs_are_equal_where_their_bytes_are(was: np.ndarray, now: np.ndarray) -> None:
    found = difference([Y], [was.tobytes()], [now.tobytes()], None)
    assert (found is None) == (was.tobytes() == now.tobytes())
    if found:
        first = int(np.flatnonzero(was.view(np.uint32) != now.view(np.uint32))[0])
        assert found.place == tuple(np.unravel_index(first, (2, 2)))
        assert np.float32(found.recorded).tobytes() == was[found.place].tobytes()


def test_the_first_element_that_differs_is_told_with_both_values() -> None:
    assert of([1, 2, 3, 4], [1, 2, 3.5, 5]) == "y[1, 0] was 3.0 and is 3.5"
    assert of([1, 0, 3, 4], [1, -0.0, 3, 4]) == "y[0, 1] was 0.0 and is -0.0"


def test_a_difference_of_one_bit_is_seen_in_the_digits() -> None:
    after = float(np.nextafter(np.float32(0.1), np.float32(1)))
    assert of([0.1, 0, 0, 0], [after, 0, 0, 0]) == "y[0, 0] was 0.1 and is 0.10000001"


@pytest.mark.parametrize(
    ("now", "atol", "found"),
    [(1.5, 0.5, False), (1.5, 0.49, True), (np.nan, 9.0, True), (-0.0 + 1, 0.0, False)],
)
def test_numbers_may_differ_by_the_tolerance(now: float, atol: float, found: bool) -> None:
    assert (of([1, 2, 3, 4], [now, 2, 3, 4], atol) != "None") == found


def test_what_was_no_number_may_stay_so() -> None:
    assert of([np.nan, 2, 3, 4], [np.nan, 2, 3, 4.1], 0.2) == "None"


def test_whole_numbers_without_axes_are_compared() -> None:
    was, now = (np.array(value, "<i8").tobytes() for value in (3, 5))
    assert str(difference([SYMBOL], [was], [now], None)) == "symbol was 3 and is 5"
    assert difference([SYMBOL], [was], [now], 2.0) is None
    assert difference([SYMBOL], [was], [now], 1.0)


def test_the_second_output_is_compared_too() -> None:
    same, was, now = floats(1, 2, 3, 4), np.array(3, "<i8").tobytes(), np.array(4, "<i8").tobytes()
    found = difference([Y, SYMBOL], [same, was], [same, now], None)
    assert found and found.output == "symbol"


def test_models_are_alike_whatever_their_tensors_are_called() -> None:
    other = Tensor(pb.TensorSpec(name="z", dtype="float32", shape=[2, 2]))
    assert unlike("outputs", [Y], [other]) is None
    assert unlike("inputs", [Y], [SYMBOL]) == (
        "its inputs are symbol: int64[], and those recorded y: float32[2, 2]"
    )


def test_a_result_counts_and_keeps_the_first_difference() -> None:
    result = Result(Recorded(rec.Begun(stream_id="a")), steps=5)
    found = difference([Y], [floats(1, 2, 3, 4)], [floats(0, 2, 3, 4)], None)
    result.compared(0, None)
    result.compared(1, found)
    result.compared(2, None)
    result.compared(3, found)
    assert (result.equal, result.different, result.unanswered) == (2, 2, 1)
    assert result.first == (1, found)
