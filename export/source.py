"""What an export starts from: a network in torch, by the timestep and by the whole sequence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from torch import nn

from service.core.model import Array
from service.repository.manifest import Manifest

RESET_BEFORE = "GRU with linear_before_reset=0"
"""A GRU that applies its reset gate before the recurrent product, as a key of `Source.fused`."""


class ExportRefused(ValueError):
    """A network that cannot be streamed, or a graph that is not it; the message says why."""


@dataclass(frozen=True)
class Source:
    manifest: Manifest
    """Names, shapes and batch axes, in the order in which `step` takes and gives them."""
    step: nn.Module
    """One timestep: (*inputs, *states) to (*outputs, *new states), all with their batch axis."""
    whole: Callable[[Sequence[Array]], Sequence[Array]]
    """Whole sequences in one go, from the initial state: for each input [N, T, *shape], in torch,
    to the outputs [N, T, *shape]."""
    sample: Callable[[int, int], Sequence[Array]]
    """Realistic inputs for N sequences of T timesteps."""
    fused: Mapping[str, int] = field(default_factory=dict)
    """The recurrent operators that the graph must hold, such as {"GRU": 2}. A GRU resets after
    the recurrent product, as torch's does; one that resets before it is a RESET_BEFORE."""
    sampled: str = "its sample"
    """What the inputs of `sample` are, in a few words."""
