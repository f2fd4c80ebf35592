"""Modules as users write them; a test copies this file into a package of its own.

Shapes: B sequences, T timesteps, then an input's or output's own axes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SequenceGRU(nn.Module):
    """[B, T, 3] to [B, T, 2]."""

    def __init__(self) -> None:
        super().__init__()
        self.front = nn.Sequential(nn.Linear(3, 8), nn.Tanh())
        self.gru = nn.GRU(8, 12, batch_first=True)
        self.head = nn.Linear(12, 2)

    def forward(self, x: Tensor, h: Tensor | None = None) -> tuple[Tensor, Tensor]:
        y, h = self.gru(self.front(x), h)
        return self.head(y), h


class DeepLSTM(nn.Module):
    """[B, T, 3] to [B, T, 2]."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(3, 10, num_layers=2, dropout=0.3, batch_first=True)
        self.head = nn.Linear(10, 2)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.lstm(x)
        return self.head(y)  # type: ignore[no-any-return]


class LearnedStart(nn.Module):
    """[T, B, 3] to [T, B, 6]."""

    def __init__(self) -> None:
        super().__init__()
        self.h0 = nn.Parameter(torch.randn(1, 1, 6))
        self.gru = nn.GRU(3, 6)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.gru(x, self.h0.expand(-1, x.shape[1], -1).contiguous())
        return y  # type: ignore[no-any-return]


class LastStep(nn.Module):
    """[B, T, 3] to [B, 2]: what the last timestep makes of the sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.RNN(3, 9, nonlinearity="relu")
        self.head = nn.Linear(9, 2)

    def forward(self, x: Tensor) -> Tensor:
        _, h = self.rnn(x.transpose(0, 1))
        return self.head(h[-1])  # type: ignore[no-any-return]


class TwoLayers(nn.Module):
    """[B, T, 3] to [B, T, 4], through a GRU and an LSTM with a projection."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.ModuleDict({"gru": nn.GRU(3, 7, batch_first=True)})
        self.decoder = nn.LSTM(7, 8, num_layers=2, proj_size=4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.encoder["gru"](x)
        z, _ = self.decoder(torch.tanh(y))
        return z  # type: ignore[no-any-return]


class Words(nn.Module):
    """Symbols [B, T] below 11 to logits [B, T, 11], the weights of both ends tied."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 5)
        self.gru = nn.GRU(5, 5, batch_first=True)
        self.head = nn.Linear(5, 11, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, word: Tensor) -> Tensor:
        y, _ = self.gru(self.embedding(word))
        return self.head(y)  # type: ignore[no-any-return]


class TwoInputs(nn.Module):
    """Readings [B, T, 3] and a symbol [B, T] below 4 to a mean [B, T, 2] and a scale [B, T]."""

    def __init__(self) -> None:
        super().__init__()
        self.kind = nn.Embedding(4, 5)
        self.reading = nn.Linear(3, 5)
        self.gru = nn.GRU(5, 6, batch_first=True)
        self.mean = nn.Linear(6, 2)

    def forward(self, reading: Tensor, kind: Tensor) -> dict[str, Tensor]:
        y, _ = self.gru(self.reading(reading) + self.kind(kind))
        return {"mean": self.mean(y), "scale": y.norm(dim=-1)}


class OwnCell(nn.Module):
    """By the step, from a learned hidden state: [B, 2] to [B, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.start = nn.Parameter(torch.randn(5))
        self.input = nn.Linear(2, 5)
        self.recurrent = nn.Linear(5, 5)
        self.head = nn.Linear(5, 1)

    @property
    def states(self) -> dict[str, Tensor | tuple[int, ...]]:
        return {"h": self.start, "count": (1,)}

    def step(self, x: Tensor, h: Tensor, count: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        h = torch.tanh(self.input(x) + self.recurrent(h))
        return self.head(h) / (1 + count), (h, count + 1)


class StepAndSequence(nn.Module):
    """By the step, [B, 3] to [B, 4], and over a sequence [B, T, 3] to [B, T, 4]."""

    states = {"h": (4,)}  # noqa: RUF012 (as a user would write it)

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRUCell(3, 4)

    def step(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = self.cell(x, h)
        return h, h

    def forward(self, x: Tensor) -> Tensor:
        h = x.new_zeros(x.shape[0], 4)
        outputs = []
        for moment in x.unbind(1):
            h = self.cell(moment, h)
            outputs.append(h)
        return torch.stack(outputs, dim=1)


def build() -> nn.Module:
    return SequenceGRU()
