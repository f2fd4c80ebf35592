from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from stepwire.errors import InvalidInput
from stepwire.tensors import Signature, Tensor
from stepwire.v1 import stream_pb2 as pb


def spec(name: str = "x", dtype: str = "float32", shape: tuple[int, ...] = (2,)) -> pb.TensorSpec:
    return pb.TensorSpec(name=name, dtype=dtype, shape=shape)


ONE = Signature(pb.Signature(inputs=[spec()], outputs=[spec("y")]))
TWO = Signature(
    pb.Signature(
        inputs=[spec("a"), spec("b", "int64", ())], outputs=[spec("p"), spec("q", "float64", (1,))]
    )
)
FLOATS = np.array([1, 2], np.float32)


@pytest.mark.parametrize(
    "given", [FLOATS, FLOATS.astype(np.float64), [1.0, 2.0], [1, 2], np.array([1, 2, 0])[:2]]
)
def test_what_casts_within_its_kind_is_taken(given: npt.ArrayLike) -> None:
    assert ONE.encode(given) == (FLOATS.tobytes(),)


def test_a_strided_array_travels_in_c_order() -> None:
    matrix = Tensor(spec(shape=(2, 2)))
    assert (
        matrix.encode(np.arange(4, dtype=np.float32).reshape(2, 2).T)
        == np.array([0, 2, 1, 3], np.float32).tobytes()
    )


@pytest.mark.parametrize("given", [[1.0], [1.0, 2.0, 3.0], [[1.0, 2.0]], 1.0])
def test_another_shape_is_refused(given: npt.ArrayLike) -> None:
    with pytest.raises(InvalidInput, match=r"input x: float32\[2\] does not take shape"):
        ONE.encode(given)


@pytest.mark.parametrize("given", [["a", "b"], [1j, 2j], [None, None]])
def test_another_kind_of_number_is_refused(given: npt.ArrayLike) -> None:
    with pytest.raises(
        InvalidInput, match=r"input x: float32\[2\] does not take (str|complex|obj)"
    ):
        ONE.encode(given)


def test_floats_are_not_cut_to_integers() -> None:
    with pytest.raises(InvalidInput, match=r"input b: int64\[\] does not take float64"):
        TWO.encode({"a": FLOATS, "b": 1.5})


def test_a_bare_number_fits_an_input_of_one_element() -> None:
    assert Tensor(spec(shape=(1,))).encode(2.0) == np.float32(2.0).tobytes()


def test_several_inputs_are_taken_by_name() -> None:
    assert TWO.encode({"b": 3, "a": FLOATS}) == (FLOATS.tobytes(), np.int64(3).tobytes())


@pytest.mark.parametrize("given", [{"a": FLOATS}, {"a": FLOATS, "b": 1, "c": 1}])
def test_missing_and_unknown_names_are_refused(given: dict[str, npt.ArrayLike]) -> None:
    with pytest.raises(InvalidInput, match="this model takes"):
        TWO.encode(given)


def test_a_bare_array_is_not_enough_for_several_inputs() -> None:
    with pytest.raises(InvalidInput, match="takes a dict of"):
        TWO.encode(FLOATS)


def test_one_output_is_a_bare_array_of_the_callers_own() -> None:
    output = ONE.decode([FLOATS.tobytes()])
    assert isinstance(output, np.ndarray)
    assert output.dtype == np.float32
    output += 1
    assert output.tolist() == [2.0, 3.0]


def test_several_outputs_come_by_name() -> None:
    outputs = TWO.decode([FLOATS.tobytes(), np.float64(0.5).tobytes()])
    assert isinstance(outputs, dict)
    assert {name: array.tolist() for name, array in outputs.items()} == {
        "p": [1.0, 2.0],
        "q": [0.5],
    }


SYMBOLS = Tensor(pb.TensorSpec(name="c", dtype="int64", shape=[1], symbols=["a", "b", "\n"]))


@pytest.mark.parametrize(("given", "number"), [("b", 1), ("\n", 2), (["a"], 0), (2, 2)])
def test_a_symbol_is_given_as_its_number_or_as_itself(given: npt.ArrayLike, number: int) -> None:
    assert SYMBOLS.encode(given) == np.array([number], "<i8").tobytes()


def test_an_unknown_symbol_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"c: int64\[1\] knows no symbol 'z', but 3 others"):
        SYMBOLS.encode("z")


def test_a_string_is_no_number() -> None:
    with pytest.raises(InvalidInput, match="does not take str"):
        ONE.encode("b")
