"""Networks over sequences: an input layer if asked for, a recurrent core, a head.

Shapes: B sequences, T timesteps, F features, E encoded inputs, H hidden units, L layers, O outputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax, one_hot

from models.cores import Cell, State, core_of, states_of

Kind = Literal["values", "probabilities", "log_probabilities"]
"""What a network's outputs are: values in raw units; a probability each; or the natural logarithms
of the probabilities of outputs of which one is true."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """Everything that fixes a network's weights in number and shape, and what they mean."""

    features: int
    outputs: int
    cell: Cell = "gru"
    hidden: int = 48
    layers: int = 1
    input_layer: int = 0
    """Units of a tanh layer in front of the core, or of the embedding of symbols; 0 leaves it out:
    symbols then enter one-hot."""
    bidirectional: bool = False
    """A second core reads the sequence backwards. Trainable, but without a single timestep."""
    symbols: int = 0
    """How many there are, where an input is a symbol and not `features` measurements."""
    kind: Kind = "values"
    learned_initial: bool = False
    """The initial state is trained with the weights; else it is zeros."""

    @property
    def state_shape(self) -> tuple[int, int]:
        """[L, H] of each state of one sequence; twice as many layers if bidirectional."""
        return (self.layers * (2 if self.bidirectional else 1), self.hidden)


class NeedsFuture(TypeError):
    """A bidirectional network was asked for one timestep."""

    def __init__(self) -> None:
        super().__init__(
            "a bidirectional network cannot be streamed: its backward half starts at the last "
            "timestep, which a live stream does not have yet"
        )


class SequenceNetwork(nn.Module):
    """Raw units or symbols in, raw units or probabilities out: all scaling is in the network.

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
        self.input_layer, width = _input_layer(architecture)
        self.core = core_of(
            architecture.cell,
            width,
            architecture.hidden,
            architecture.layers,
            bidirectional=architecture.bidirectional,
        )
        directions = 2 if architecture.bidirectional else 1
        self.head = nn.Linear(directions * architecture.hidden, outputs)
        layers, hidden = architecture.state_shape
        self.initial = nn.ParameterList(
            torch.zeros(layers, 1, hidden)
            for _ in states_of(architecture.cell)
            if architecture.learned_initial
        )

    def normalise(self, inputs: Tensor, targets: Tensor) -> None:
        """Takes mean and standard deviation from training data [N, T, F] and [N, T, O].

        Symbols and probabilities have none. A target that is NaN is one that is not asked for.
        """
        if not self.architecture.symbols:
            _measure(inputs, self.input_mean, self.input_std)
        if self.architecture.kind == "values":
            _measure(targets, self.output_mean, self.output_std)

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Takes x [B, T, F] to y [B, T, O], and the new state.

        Without a state the sequence starts from the initial one.
        """
        if state is None and self.architecture.learned_initial:
            state = self.initial_state(len(x))
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
        """Zeros, or what was learned: each [L, B, H]."""
        layers, hidden = self.architecture.state_shape
        if self.architecture.learned_initial:
            return tuple(start.expand(layers, batch, hidden) for start in self.initial)
        return tuple(torch.zeros(layers, batch, hidden) for _ in states_of(self.architecture.cell))

    @property
    def parameter_count(self) -> int:
        return sum(parameter.numel() for parameter in self.parameters())

    def _encode(self, x: Tensor) -> Tensor:
        given = x.squeeze(-1) if self.architecture.symbols else self._normalised(x)
        encoded: Tensor = self.input_layer(given)
        return encoded

    def _normalised(self, x: Tensor) -> Tensor:
        return (x - self.input_mean) / self.input_std

    def _decode(self, h: Tensor) -> Tensor:
        decoded: Tensor = self.head(h)
        if self.architecture.kind == "probabilities":
            return decoded.sigmoid()
        if self.architecture.kind == "log_probabilities":
            return log_softmax(decoded, dim=-1)
        return decoded * self.output_std + self.output_mean


class OneHot(nn.Module):
    """Symbols [...] to [..., S]: 1 at the symbol's place, 0 elsewhere."""

    table: Tensor

    def __init__(self, symbols: int) -> None:
        super().__init__()
        table = one_hot(torch.arange(symbols)).float()
        self.register_buffer("table", table, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.table[x]


def _input_layer(architecture: Architecture) -> tuple[nn.Module, int]:
    """The module in front of the core, and how many inputs it leaves to it."""
    width, symbols = architecture.input_layer, architecture.symbols
    if symbols:
        return (nn.Embedding(symbols, width), width) if width else (OneHot(symbols), symbols)
    if width:
        return nn.Sequential(nn.Linear(architecture.features, width), nn.Tanh()), width
    return nn.Identity(), architecture.features


def _measure(values: Tensor, mean: Tensor, std: Tensor) -> None:
    """Fills mean and std [F] from values [..., F], NaN left out."""
    for feature, column in enumerate(values.flatten(0, -2).unbind(-1)):
        deviation, average = torch.std_mean(column[~column.isnan()])
        mean[feature], std[feature] = average, deviation.clamp_min(1e-6)
