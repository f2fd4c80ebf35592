from __future__ import annotations

import pytest
from pydantic import JsonValue

from service.core.graph import Dim
from service.repository.foreign.values import array_of


@pytest.mark.parametrize(
    ("value", "dtype", "shape", "expected"),
    [
        (1, "float32", (), 1.0),
        (0.5, "float16", (2,), [0.5, 0.5]),
        ([[1], [2]], "int8", (2, 1), [[1], [2]]),
        (True, "bool", (1,), [True]),
        (0, "bool", (1,), [False]),
        (float("inf"), "float32", (1,), [float("inf")]),
        ([1, 2, 3], "int64", (None,), [1, 2, 3]),
        ([[1.0, 2]], "float64", ("time", 2), [[1.0, 2.0]]),
    ],
)
def test_numbers_fill_and_lists_are_taken_as_they_are(
    value: JsonValue, dtype: str, shape: tuple[Dim, ...], expected: object
) -> None:
    array = array_of(value, dtype, shape)
    assert array.dtype.name == dtype
    assert array.tolist() == expected


@pytest.mark.parametrize(
    ("value", "dtype", "shape", "message"),
    [
        (300, "uint8", (1,), "300 is beyond uint8"),
        (-1, "uint8", (1,), "-1 is beyond uint8"),
        (1e39, "float32", (1,), "1e+39 is beyond float32"),
        (2**70, "int64", (1,), f"{2**70} is not int64"),
        (0.5, "int64", (1,), "0.5 is not int64"),
        (2, "bool", (1,), "2 is beyond bool"),
        (0.0, "bool", (1,), "0.0 is not bool"),
        (True, "float32", (1,), "True is not float32"),
        ("a", "float32", (1,), "'a' is not float32"),
        (None, "float32", (1,), "None is not float32"),
        ({"a": 1}, "float32", (1,), "{'a': 1} is not float32"),
        ([[1], [2, 3]], "float32", (2, 1), "its lists are not all of one length"),
        ([1, 2], "float32", (3,), "its shape is [2], not [3]"),
        ([1], "float32", (), "its shape is [1], not []"),
        ([[1]], "float32", (1,), "its shape is [1, 1], not [1]"),
        (0, "float32", (2**50,), f"[{2**50}] is more than memory holds"),
        (1, "float32", (None,), "a number does not say the size of its open axes: write lists"),
    ],
)
def test_what_does_not_fit_is_told(
    value: JsonValue, dtype: str, shape: tuple[Dim, ...], message: str
) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the message is compared whole
        array_of(value, dtype, shape)
    assert str(refused.value) == message
