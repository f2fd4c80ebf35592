from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from service.core.changes import LAST_STEP, GivenState, GivenTensor, put, states_of
from service.core.checkpoint import Checkpoint
from service.core.errors import InvalidRequest
from service.core.model import Signature, StateSpec, TensorSpec
from service.core.streams import ModelKey

H = TensorSpec("h", np.dtype(np.float32), (2,))
COUNT = TensorSpec("count", np.dtype(np.int64), ())
SIGNATURE = Signature(
    inputs=(),
    outputs=(H, H),
    states=tuple(StateSpec(spec, "", np.zeros(spec.shape, spec.dtype)) for spec in (H, COUNT)),
)
BEFORE = Checkpoint(
    ModelKey("m", 1), "old", "old", 7, (b"h" * 8, b"c" * 8), (b"o", b"o"), (1,), b"holder"
)
GIVEN_H = GivenTensor("h", np.array([1, 2], np.float32).tobytes())
GIVEN_COUNT = GivenTensor("count", np.int64(3).tobytes())


def after(**given: object) -> Checkpoint:
    state = dataclasses.replace(GivenState((GIVEN_COUNT, GIVEN_H)), **given)  # type: ignore[arg-type]  # by name
    return put(BEFORE, state, SIGNATURE, "digest", "numerics")


def test_a_put_sets_the_states_and_drops_what_was_kept() -> None:
    made = after()
    assert made.states == (GIVEN_H.data, GIVEN_COUNT.data)
    assert (made.outputs, made.seals) == ((b"", b""), ())
    assert (made.model, made.digest, made.numerics) == (BEFORE.model, "digest", "numerics")


@pytest.mark.parametrize(("next_step", "becomes"), [(None, 7), (0, 0), (LAST_STEP, LAST_STEP)])
def test_a_put_keeps_the_step_unless_it_is_given_one(next_step: int | None, becomes: int) -> None:
    assert after(next_step=next_step).next_step == becomes


def test_a_put_remembers_other_arithmetic() -> None:
    assert after(digest="digest", numerics="another").numerics == "another"


def test_nobody_holds_what_was_changed() -> None:
    """A client that was cut off meanwhile reconnects as its holder, and is to be told."""
    assert len({BEFORE.holder, after().holder, after().holder}) == 3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"next_step": LAST_STEP + 1}, "0 to 2^52, not 4503599627370497"),
        ({"digest": "other"}, "digest other, and m/1 serves digest"),
        ({"tensors": ()}, "h: float32[2], count: int64[], each once; got none"),
        ({"tensors": (GIVEN_H,)}, "each once; got 'h'"),
        ({"tensors": (GIVEN_H, GIVEN_H)}, "each once; got 'h', 'h'"),
        ({"tensors": (GIVEN_H, GIVEN_COUNT, GIVEN_H)}, "each once; got 'h', 'count', 'h'"),
        ({"tensors": (GIVEN_H, GIVEN_COUNT._replace(name="c"))}, "got 'h', 'c'"),
        ({"tensors": (GIVEN_H._replace(data=b"123"), GIVEN_COUNT)}, "has 8 bytes; got 3 bytes"),
        ({"tensors": (GIVEN_H._replace(dtype="float64"), GIVEN_COUNT)}, "got float64[]"),
        ({"tensors": (GIVEN_H._replace(shape=(1, 2)), GIVEN_COUNT)}, "got [1, 2]"),
    ],
)
def test_what_is_not_the_models_is_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        after(**given)
    assert message in str(refused.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_only_a_model_that_takes_nan_and_inf_gets_them(value: float) -> None:
    tensors = (GIVEN_H._replace(data=np.array([0, value], np.float32).tobytes()), GIVEN_COUNT)
    with pytest.raises(InvalidRequest, match="'h' holds NaN or Inf"):
        states_of(SIGNATURE, tensors)
    takes = dataclasses.replace(SIGNATURE, takes_non_finite=True)
    assert states_of(takes, tensors) == (tensors[0].data, GIVEN_COUNT.data)
