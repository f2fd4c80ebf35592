"""How far back a network's answer feels its inputs: the norm of the gradient against the distance.

Through time a gradient is multiplied by the recurrent Jacobian once per timestep, so that it fades
or grows exponentially with the distance: Hochreiter, "Untersuchungen zu dynamischen neuronalen
Netzen", diploma thesis, TU München 1991; Bengio, Simard and Frasconi, "Learning long-term
dependencies with gradient descent is difficult", IEEE Transactions on Neural Networks 5 (1994);
Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", ICML 2013.

Shapes: B sequences, T timesteps, E encoded inputs, O outputs.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from models.networks import SequenceNetwork
from models.tasks.task import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]


@torch.enable_grad()
def gradient_norms(network: SequenceNetwork, inputs: Array) -> Floats:
    """How strongly the outputs at the last timestep depend on each input before them.

    Args:
        network: Left as it is; the gradient is taken in a copy, in double precision, in which
            what fades does not soon become zero.
        inputs: [B, T, F] in raw units, or [B, T, 1] of symbols.

    Returns:
        Norms [T]. Entry k is the Euclidean norm of the gradient of an output at the last timestep
        with respect to the input k timesteps before it, in the mean over sequences and outputs.
        The input is taken as the core receives it, standardised, or after the one-hot code, the
        embedding or the tanh layer in front: no feature weighs more for its unit.
    """
    measured = copy.deepcopy(network).double()
    x = torch.from_numpy(inputs)
    received: list[Tensor] = []

    def receive(layer: nn.Module, taken: tuple[Tensor, ...], encoded: Tensor) -> Tensor:
        received.append(encoded.detach().requires_grad_())
        return received[-1]

    measured.input_layer.register_forward_hook(receive)
    outputs, _ = measured(x if measured.architecture.symbols else x.double())
    [encoded] = received  # [B, T, E]
    last = outputs[:, -1]  # [B, O]
    norms = torch.stack([_norms(last[:, place], encoded) for place in range(last.shape[1])])
    by_distance: Floats = norms.mean(dim=0).flip(0).numpy()
    return by_distance


def _norms(output: Tensor, encoded: Tensor) -> Tensor:
    """[T] in the order of time, of one output [B]: a sequence has no part in another's output."""
    (gradient,) = torch.autograd.grad(output.sum(), encoded, retain_graph=True)
    norms: Tensor = torch.linalg.vector_norm(gradient, dim=-1)
    return norms.mean(dim=0)


def memory_length(norms: Floats, share: float = 0.01) -> int | None:
    """The largest distance, in timesteps, at which the norm is at least a share of the largest.

    Args:
        norms: [T], by distance.
        share: Of the largest norm, above 0.

    Returns:
        0 where no input is felt at all; None where the norm has not fallen below the share at
        T - 1, the largest distance that was measured: the memory is at least that long.
    """
    if not norms.any():
        return 0
    longest = int(np.flatnonzero(norms >= share * norms.max())[-1])
    return None if longest == len(norms) - 1 else longest


def draw(axes: Axes, norms: Mapping[str, Floats]) -> None:
    """Norms [T] by label, against the distance."""
    for label, by_distance in norms.items():
        axes.plot(by_distance, label=label)
    axes.set_yscale("log", nonpositive="mask")
    axes.set(
        title="memory", xlabel="distance [timesteps]", ylabel="norm of the last answer's gradient"
    )
    axes.legend()
