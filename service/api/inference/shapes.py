"""Shapes as the protocol has them."""

from __future__ import annotations

from service.core.model import TensorSpec


def dims(spec: TensorSpec) -> tuple[int, ...]:
    """Of one timestep, without the batch axis.

    A number by itself is a vector of one, as in Triton: clients take no tensor without axes.
    """
    return spec.shape or (1,)
