"""Tensors as tests of requests and answers declare them."""

from __future__ import annotations

import numpy as np

from service.core.model import TensorSpec


def spec(name: str = "x", dtype: str = "float32", shape: tuple[int, ...] = (2,)) -> TensorSpec:
    return TensorSpec(name, np.dtype(dtype), shape)
