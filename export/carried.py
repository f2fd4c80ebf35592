"""The recurrent layers of a module, their state carried by hand.

For the time of a call each layer's `forward` is another: one that looks on, or one that takes
the layer's state from outside and leaves the renewed one there.

Shapes: B sequences, T timesteps, L layers, H hidden units, P units of the hidden state, which
are fewer than H in an LSTM with a projection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from export.source import ExportRefused

State = tuple[Tensor, ...]
"""(h,) of a GRU or RNN, (h, c) of an LSTM: h [L, B, P], c [L, B, H]."""


@dataclass(frozen=True, eq=False)
class Layer:
    path: str
    """Where the module has it: `encoder.gru`; empty if it is the module itself."""
    module: nn.RNNBase

    def __str__(self) -> str:
        return f"{self.kind} {self.path!r}" if self.path else self.kind

    @property
    def kind(self) -> str:
        """GRU, LSTM or RNN."""
        return self.module.mode.partition("_")[0]

    @property
    def states(self) -> tuple[tuple[str, tuple[int, int]], ...]:
        """Names, and shapes without the batch axis."""
        layers, hidden = self.module.num_layers, self.module.hidden_size
        outside = self.module.proj_size or hidden
        prefix = f"{self.path}." if self.path else ""
        h = (f"{prefix}h", (layers, outside))
        return (h, (f"{prefix}c", (layers, hidden))) if self.kind == "LSTM" else (h,)

    def run(self, x: Tensor, state: State | None) -> tuple[Tensor, State]:
        """As torch does it: x [T, B, F], or [B, T, F] if the batch comes first."""
        given = state[0] if state is not None and self.kind != "LSTM" else state
        result = type(self.module).forward(self.module, x, given)
        if not isinstance(result, tuple) or len(result) != 2:
            raise ExportRefused(
                f"{self} is of the class {type(self.module).__name__}, whose forward does not "
                f"return (y, state) as that of nn.{self.kind} does"
            )
        y, new = result
        return y, new if isinstance(new, tuple) else (new,)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """The same for T = 1."""
        if self.module.proj_size:
            return _projected_step(self.module, x, state)
        return self.run(x, state)


def layers_of(module: nn.Module) -> tuple[Layer, ...]:
    """Raises ExportRefused if there is none, or one that cannot be carried."""
    layers = tuple(
        Layer(path, part) for path, part in module.named_modules() if isinstance(part, nn.RNNBase)
    )
    for layer in layers:
        if layer.module.bidirectional:
            raise ExportRefused(
                f"{layer} is bidirectional: its backward half starts at the last timestep, which "
                "a live stream does not have yet"
            )
    for path, part in module.named_modules():
        if isinstance(part, nn.RNNCellBase):
            raise ExportRefused(
                f"{type(part).__name__} {path!r} is stepped by a loop of the module's own, which "
                "hides its state: give the module a step and its states, as docs/own-model.md shows"
            )
    if not layers:
        raise ExportRefused(
            "the module has no nn.GRU, nn.LSTM or nn.RNN: if it has a state of another kind, give "
            "it a step and its states, as docs/own-model.md shows"
        )
    return layers


Around = Callable[[Layer, Tensor, State | None], tuple[Tensor, State]]
"""What stands for a layer's forward: the layer, x and the state that the module gave it, to y
and the new state."""


@contextmanager
def replaced(layers: Sequence[Layer], around: Around) -> Iterator[None]:
    """The layers' forward is `around` within."""
    for layer in layers:
        setattr(layer.module, "forward", _forward(layer, around))  # noqa: B010 (a method to mypy)
    try:
        yield
    finally:
        for layer in layers:
            delattr(layer.module, "forward")


def _forward(layer: Layer, around: Around) -> Callable[..., tuple[Tensor, Tensor | State]]:
    def forward(
        input: Tensor,  # noqa: A002 (torch's name)
        hx: Tensor | State | None = None,
    ) -> tuple[Tensor, Tensor | State]:
        if not isinstance(input, Tensor) or input.ndim != 3:
            raise ExportRefused(
                f"{layer} gets a packed sequence, or one without a batch axis: it must get a "
                "tensor of three axes"
            )
        state = (hx,) if isinstance(hx, Tensor) else hx
        y, new = around(layer, input, state)
        return y, new if layer.kind == "LSTM" else new[0]

    return forward


def _projected_step(lstm: nn.RNNBase, x: Tensor, state: State) -> tuple[Tensor, State]:
    """One timestep of an LSTM whose hidden state is projected, which no ONNX operator is.

    The equations are those of the documentation of `torch.nn.LSTM`; `x` has a time axis of 1.
    """
    axis = 1 if lstm.batch_first else 0
    y, new = x.squeeze(axis), []
    for place, weights in enumerate(lstm.all_weights):
        w_ih, w_hh, *biases, w_hr = weights
        b_ih, b_hh = biases or (None, None)
        h, c = (part[place] for part in state)
        gates = functional.linear(y, w_ih, b_ih) + functional.linear(h, w_hh, b_hh)
        i, f, g, o = gates.chunk(4, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        y = functional.linear(torch.sigmoid(o) * torch.tanh(c), w_hr)
        new.append((y, c))
    return y.unsqueeze(axis), tuple(torch.stack(parts) for parts in zip(*new, strict=True))
