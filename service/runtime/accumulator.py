"""The smallest recurrent model, for trying the service without a trained one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from service.core.model import Array, Signature, StateSpec, TensorSpec

_FLOAT = np.dtype("<f4")


def accumulator_signature(size: int = 1) -> Signature:
    """total_t = total_{t-1} + x_t, elementwise, float32[size]."""
    return Signature(
        inputs=(TensorSpec("x", _FLOAT, (size,)),),
        outputs=(TensorSpec("total", _FLOAT, (size,)),),
        states=(StateSpec(TensorSpec("sum", _FLOAT, (size,)), "sum_next", np.zeros(size, _FLOAT)),),
    )


def accumulate(feeds: Mapping[str, Array]) -> Sequence[Array]:
    """The step function of `accumulator_signature`."""
    with np.errstate(over="ignore"):
        total = feeds["sum"] + feeds["x"]
    return [total, total]
