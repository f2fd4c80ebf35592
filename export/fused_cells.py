"""Each layer of `models.cells` as one fused ONNX operator."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Sequence
from typing import TypeGuard

import torch
from torch import Tensor, nn

from export.cell_operators import OPERATORS, Operator
from export.fused_ops import OPSET
from models.cells import State, Unrolled


def fused(network: nn.Module) -> nn.Module:
    """A copy for `torch.onnx.export`, with an operator for each layer of the cells in OPERATORS.

    The copy computes nothing in torch. Cells without an operator stay as their equations.
    """
    if _has_operators(network):
        return FusedLayers(network)
    copied = copy.deepcopy(network)
    for module in list(copied.modules()):
        for name, child in module.named_children():
            if _has_operators(child):
                setattr(module, name, FusedLayers(child))
    return copied


def operators_of(network: nn.Module) -> Counter[str]:
    """How many operators of each name `fused(network)` has in place of cells."""
    return Counter(
        OPERATORS[type(cell)](cell).name
        for module in network.modules()
        if _has_operators(module)
        for cell in module.cells
    )


class FusedLayers(nn.Module):
    """In the place of an `Unrolled`."""

    def __init__(self, unrolled: Unrolled) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            FusedLayer(OPERATORS[type(cell)](cell)) for cell in unrolled.cells
        )

    def forward(self, z: Tensor, state: State) -> tuple[Tensor, State]:
        """Takes z [T, B, E] and states [L, B, H] to h [T, B, H] and the new states."""
        if len(self.layers) == 1:  # the state enters and leaves the operator as it is
            h, *new = self.layers[0](z, state)
            return h, tuple(new)
        by_layer = (part.chunk(len(self.layers)) for part in state)
        renewed = []
        for layer, *initial in zip(self.layers, *by_layer, strict=True):
            z, *new = layer(z, initial)
            renewed.append(new)
        return z, tuple(torch.cat(parts) for parts in zip(*renewed, strict=True))


class FusedLayer(nn.Module):
    """One operator, its weights laid out for ONNX: G gates on top of each other."""

    W: Tensor
    R: Tensor
    B: Tensor

    def __init__(self, operator: Operator) -> None:
        super().__init__()
        self.operator = operator
        gates = operator.gates
        biases = [gate.b for gate in gates]
        biases += [torch.zeros_like(gate.b) if gate.c is None else gate.c for gate in gates]
        for name, laid_out in (
            ("W", torch.cat([gate.W.T for gate in gates])),  # [G H, E]
            ("R", torch.cat([gate.U.T for gate in gates])),  # [G H, H]
            ("B", torch.cat(biases)),  # [2 G H]
        ):
            self.register_buffer(name, laid_out.detach().unsqueeze(0))

    def forward(self, z: Tensor, initial: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Takes z [T, B, E] and initial states [1, B, H] to h [T, B, H] and the new states."""
        steps, batch, _ = z.shape
        hidden = self.R.shape[-1]
        y, *new = torch.onnx.ops.symbolic_multi_out(
            self.operator.kind,
            (z, self.W, self.R, self.B, None, *initial),
            {"hidden_size": hidden, **self.operator.attributes},
            dtypes=[z.dtype] * (1 + len(initial)),
            shapes=[(steps, 1, batch, hidden), *(part.shape for part in initial)],
            version=OPSET,
        )
        return y.squeeze(1), *new


def _has_operators(module: nn.Module) -> TypeGuard[Unrolled]:
    return isinstance(module, Unrolled) and all(type(cell) in OPERATORS for cell in module.cells)
