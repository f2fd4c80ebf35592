from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.core.model import Signature, StateSpec, TensorSpec
from service.runtime.device import CPU
from service.runtime.layout import aligned, checked, places, size, tensors

DTYPES = st.sampled_from([np.dtype(name) for name in ("<f4", "<f8", "<f2", "<i8", "?")])
SHAPES = st.lists(st.integers(1, 20), max_size=2).map(tuple)


@st.composite
def signatures(draw: st.DrawFn) -> Signature:
    def spec(name: str) -> TensorSpec:
        shape = draw(SHAPES)
        return TensorSpec(name, draw(DTYPES), shape, draw(st.integers(0, len(shape))))

    def state(name: str) -> StateSpec:
        found = spec(name)
        return StateSpec(found, f"{name}_next", np.zeros(found.shape, found.dtype))

    few = st.integers(0, 3)
    return Signature(
        tuple(spec(f"x{i}") for i in range(draw(st.integers(1, 3)))),
        tuple(spec(f"y{i}") for i in range(draw(few))),
        tuple(state(f"h{i}") for i in range(draw(few))),
        takes_non_finite=draw(st.booleans()),
    )


@given(signatures(), st.integers(1, 9))
def test_each_tensor_has_its_own_aligned_memory(signature: Signature, rows: int) -> None:
    found = places(tensors(signature), rows)
    block = aligned(CPU, size(found))
    assert len(found) == len(signature.inputs) + len(signature.outputs) + 2 * len(signature.states)
    for mark, place in enumerate(found):
        array = place.of(block)
        assert array.shape == place.tensor.spec.batched(rows)
        assert CPU.pointer(array) % 64 == 0
        array[...] = mark % 2
    for mark, place in enumerate(found):
        assert (place.of(block) == mark % 2).all()


@given(signatures(), st.integers(1, 9), st.data())
def test_what_is_checked_is_every_result_and_the_inputs_that_must_be_finite(
    signature: Signature, rows: int, data: st.DataObject
) -> None:
    found = places(tensors(signature), rows)
    block = aligned(CPU, size(found))
    numbers = [place for place in found if place.tensor.spec.dtype.kind == "f"]
    if not numbers:
        assert checked(found, block) == []
        return
    block[:] = 255  # NaN, in the gaps too
    for place in found:
        place.of(block)[...] = 0
    assert all(np.isfinite(array).all() for array in checked(found, block))
    bad = data.draw(st.sampled_from(numbers))
    bad.of(block).reshape(-1)[-1] = np.nan
    kept = {spec.name for spec in signature.inputs} if signature.takes_non_finite else set()
    kept |= {state.input.name for state in signature.states}
    seen = not all(np.isfinite(array).all() for array in checked(found, block))
    assert seen == (bad.tensor.name not in kept)


def test_what_is_checked_is_in_one_piece_where_there_are_no_gaps() -> None:
    """As with 16 rows of any float32."""
    state = TensorSpec("h", np.dtype("<f4"), (3,))
    signature = Signature(
        (TensorSpec("x", np.dtype("<f4"), (5,)),),
        (TensorSpec("y", np.dtype("<f4"), (32,)),),
        (StateSpec(state, "h_next", np.zeros(3, np.float32)),),
    )
    found = places(tensors(signature), 16)
    assert [len(array) for array in checked(found, aligned(CPU, size(found)))] == [16 * 40]


def test_sizes_of_whole_cache_lines_are_checked_in_one_piece() -> None:
    wide = TensorSpec("h", np.dtype("<f4"), (128,))
    signature = Signature(
        (TensorSpec("x", np.dtype("<f4"), (3,)),),
        (TensorSpec("y", np.dtype("<f4"), (128,)),),
        (StateSpec(wide, "h_next", np.zeros(128, np.float32)),),
    )
    found = places(tensors(signature), 5)
    assert [len(array) for array in checked(found, aligned(CPU, size(found)))] == [5 * (128 + 131)]
