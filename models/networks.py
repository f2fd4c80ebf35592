"""Networks over sequences: an input layer if asked for, a recurrent core, a head.

Shapes: B sequences, T timesteps, F features, H hidden units, L layers, O outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

State = tuple[Tensor, ...]
"""What a network carries from a timestep to the next, each [L, B, H]: `(h,)` of a GRU or RNN,
`(h, c)` of an LSTM, `()` of a memoryless network."""

Cell = Literal["gru", "lstm", "rnn", "none"]

STATES: dict[Cell, tuple[str, ...]] = {"gru": ("h",), "lstm": ("h", "c"), "rnn": ("h",), "none": ()}
"""The names of a cell's states: hidden state h, cell state c."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """Everything that fixes a network's weights in number and shape."""

    features: int
    outputs: int
    cell: Cell = "gru"
    hidden: int = 48
    layers: int = 1
    input_layer: int = 0
    """Units of a tanh layer in front of the core; 0 leaves it out."""
    bidirectional: bool = False
    """A second core reads the sequence backwards. Trainable, but without a single timestep."""


class NeedsFuture(TypeError):
    """A bidirectional network was asked for one timestep."""

    def __init__(self) -> None:
        super().__init__(
            "a bidirectional network cannot be streamed: its backward half starts at the last "
            "timestep, which a live stream does not have yet"
        )


class SequenceNetwork(nn.Module):
    """Raw units in, raw units out: the normalisation is part of the network.

    `forward` takes a whole sequence and `step` one timestep; stepping through a sequence gives
    what `forward` gives.
    """

    input_mean: Tensor
    input_std: Tensor
    output_mean: Tensor
    output_std: Tensor

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        features, outputs = architecture.features, architecture.outputs
        self.register_buffer("input_mean", torch.zeros(features))
        self.register_buffer("input_std", torch.ones(features))
        self.register_buffer("output_mean", torch.zeros(outputs))
        self.register_buffer("output_std", torch.ones(outputs))

        width = architecture.input_layer or features
        self.input_layer = (
            nn.Sequential(nn.Linear(features, width), nn.Tanh())
            if architecture.input_layer
            else nn.Identity()
        )
        self.core = CORES[architecture.cell](width, architecture)
        directions = 2 if architecture.bidirectional else 1
        self.head = nn.Linear(directions * architecture.hidden, outputs)

    def normalise(self, inputs: Tensor, targets: Tensor) -> None:
        """Takes mean and standard deviation from training data [N, T, F] and [N, T, O]."""
        for name, values in (("input", inputs), ("output", targets)):
            std, mean = torch.std_mean(values, dim=(0, 1))
            getattr(self, f"{name}_mean").copy_(mean)
            getattr(self, f"{name}_std").copy_(std.clamp_min(1e-6))

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Takes x [B, T, F] to y [B, T, O], and the new state.

        Without a state the sequence starts from zeros.
        """
        z = self._encode(x).transpose(0, 1)  # [T, B, E]
        h, state = self.core(z, state)  # [T, B, H]
        return self._decode(h.transpose(0, 1)), state

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """One timestep: x [B, F] to y [B, O], and the new state. Raises NeedsFuture."""
        if self.architecture.bidirectional:
            raise NeedsFuture
        z = self._encode(x).unsqueeze(0)  # [1, B, E]
        h, state = self.core(z, state)
        return self._decode(h.squeeze(0)), state

    def initial_state(self, batch: int) -> State:
        """Zeros."""
        layers = self.architecture.layers * (2 if self.architecture.bidirectional else 1)
        shape = (layers, batch, self.architecture.hidden)
        return tuple(torch.zeros(shape) for _ in STATES[self.architecture.cell])

    @property
    def parameter_count(self) -> int:
        return sum(parameter.numel() for parameter in self.parameters())

    def _encode(self, x: Tensor) -> Tensor:
        encoded: Tensor = self.input_layer((x - self.input_mean) / self.input_std)
        return encoded

    def _decode(self, h: Tensor) -> Tensor:
        decoded: Tensor = self.head(h)
        return decoded * self.output_std + self.output_mean


Library = type[nn.GRU | nn.LSTM | nn.RNN]


class Recurrent(nn.Module):
    """`torch.nn.GRU`, `LSTM` or `RNN` with the state always a tuple."""

    def __init__(
        self, library: type[nn.GRU | nn.LSTM | nn.RNN], width: int, architecture: Architecture
    ) -> None:
        super().__init__()
        self.cells = library(
            input_size=width,
            hidden_size=architecture.hidden,
            num_layers=architecture.layers,
            bidirectional=architecture.bidirectional,
        )

    def forward(self, z: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Takes z [T, B, E] to h [T, B, H], and the new state."""
        if state is not None and len(state) == 1:
            h, new = self.cells(z, state[0])
        else:
            h, new = self.cells(z, state)
        return h, new if isinstance(new, tuple) else (new,)


class Memoryless(nn.Module):
    """Two tanh layers, E to 3H to H, where a GRU layer would stand.

    3H (E + H + 1) + H parameters: a GRU layer has 2H more.
    """

    def __init__(self, width: int, architecture: Architecture) -> None:
        super().__init__()
        hidden = architecture.hidden
        sizes = [width] + [hidden] * (architecture.layers - 1)
        self.layers = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Linear(size, 3 * hidden), nn.Tanh(), nn.Linear(3 * hidden, hidden), nn.Tanh()
                )
                for size in sizes
            )
        )

    def forward(self, z: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Takes z [T, B, E] to h [T, B, H]; there is no state."""
        return self.layers(z), ()


CORES: dict[Cell, Callable[[int, Architecture], nn.Module]] = {
    "gru": lambda width, architecture: Recurrent(nn.GRU, width, architecture),
    "lstm": lambda width, architecture: Recurrent(nn.LSTM, width, architecture),
    "rnn": lambda width, architecture: Recurrent(nn.RNN, width, architecture),
    "none": Memoryless,
}
