from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from service.core.model import Signature, StateSpec, TensorSpec
from service.core.swap import obstacle

FLOAT = np.dtype("<f4")
X = TensorSpec("x", FLOAT, (2,), features=("angle [rad]", "speed [rad/s]"))
Y = TensorSpec("y", np.dtype("<i8"), (1,), symbols=("a", "b"))
H = TensorSpec("h", FLOAT, (1, 8), batch_axis=1)


def signature(
    x: TensorSpec = X, y: TensorSpec = Y, h: TensorSpec = H, *more: StateSpec
) -> Signature:
    return Signature((x,), (y,), (StateSpec(h, "h_next", np.zeros(h.shape, h.dtype)), *more))


def test_states_go_on_where_the_same_is_declared() -> None:
    assert obstacle(signature(), signature()) == ""


def test_what_no_state_and_no_client_sees_may_differ() -> None:
    newer = dataclasses.replace(
        signature(X, Y, H),
        inputs=(dataclasses.replace(X, batch_axis=1),),
        states=(StateSpec(H, "renamed", np.ones(H.shape, H.dtype)),),
        fixed_batch=True,
    )
    assert obstacle(signature(), newer) == ""


@pytest.mark.parametrize(
    ("newer", "reason"),
    [
        (
            signature(dataclasses.replace(X, name="u")),
            "its input x: float32[2] is u: float32[2] in the newer version",
        ),
        (signature(dataclasses.replace(X, shape=(3,), features=())), "is x: float32[3]"),
        (
            signature(dataclasses.replace(X, features=X.features[::-1])),
            "its input x: float32[2] has other features or symbols",
        ),
        (signature(y=dataclasses.replace(Y, dtype=np.dtype("<i4"))), "is y: int32[1]"),
        (signature(y=dataclasses.replace(Y, symbols=("b", "a"))), "output y: int64[1] has other"),
        (signature(h=dataclasses.replace(H, shape=(1, 9))), "its state h: float32[1, 8] is h"),
        (signature(h=dataclasses.replace(H, name="c")), "is c: float32[1, 8]"),
        (signature(h=dataclasses.replace(H, dtype=np.dtype("<f8"))), "is h: float64[1, 8]"),
        (signature(h=dataclasses.replace(H, batch_axis=0)), "has batch axis 1, and 0"),
        (
            signature(X, Y, H, StateSpec(dataclasses.replace(H, name="c"), "c_next", np.zeros(8))),
            "it has 1 states, the newer version 2",
        ),
        (dataclasses.replace(signature(), takes_non_finite=True), "one of them takes NaN and Inf"),
    ],
)
def test_a_difference_is_told(newer: Signature, reason: str) -> None:
    assert reason in obstacle(signature(), newer)
