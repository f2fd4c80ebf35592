"""Each layer of `torch.nn.GRU`, `LSTM` or `RNN` as one fused ONNX operator.

The exporter's own translations leave `RNN` in pieces and surround `GRU` and `LSTM` with
slices and transposes that one timestep does not need. These give one operator a layer, and for
a single layer nothing else: its state enters and leaves the operator as it is.

The equations of both sides: the documentation of `torch.nn.GRU`, `LSTM`, `RNN`, and the ONNX
operator specification of the same names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import onnxscript
import torch

from export.source import ExportRefused

OPSET = 20
op: Any = onnxscript.opset20  # its types are those of script text, not of values being traced

Tensor = Any
"""A value of the graph being built."""

GATES = {"GRU": (1, 0, 2), "LSTM": (0, 3, 1, 2), "RNN": (0,)}
"""Where ONNX's gates stand in torch's weights: z, r, n in r, z, n; i, o, f, g in i, f, g, o."""


def translations() -> dict[Callable[..., Any], Callable[..., Any]]:
    """For `torch.onnx.export(custom_translation_table=...)`.

    They raise ExportRefused for a bidirectional layer.
    """
    return {
        # torch applies the reset gate after the recurrent product: linear_before_reset.
        torch.ops.aten.gru.input: _translation("GRU", linear_before_reset=1),
        torch.ops.aten.lstm.input: _translation("LSTM"),
        torch.ops.aten.rnn_tanh.input: _translation("RNN", activations=["Tanh"]),
        torch.ops.aten.rnn_relu.input: _translation("RNN", activations=["Relu"]),
    }


def _translation(kind: str, **attributes: Any) -> Callable[..., tuple[Tensor, ...]]:
    def translate(
        input: Tensor,  # noqa: A002 (torch's names, here and below)
        hx: Tensor,
        params: Sequence[Tensor],
        has_biases: bool,
        num_layers: int,
        dropout: float,
        train: bool,
        bidirectional: bool,
        batch_first: bool,
    ) -> tuple[Tensor, ...]:
        """The schema that torch's four recurrent operators share; an LSTM has two `hx`."""
        if bidirectional:
            raise ExportRefused("a bidirectional layer has no single timestep")
        states = hx if isinstance(hx, Sequence) else (hx,)
        return _layers(kind, input, states, params, has_biases, batch_first, **attributes)

    return translate


def _layers(
    kind: str,
    sequence: Tensor,
    states: Sequence[Tensor],
    params: Sequence[Tensor],
    has_biases: bool,
    batch_first: bool,
    **attributes: Any,
) -> tuple[Tensor, ...]:
    """Takes a sequence [T, B, F] and initial states [L, B, H], `params` being of all layers.

    Gives the output of the top layer [T, B, H] and the new states. With `batch_first` both
    sequences are [B, T, ...].
    """
    per_layer = 4 if has_biases else 2
    weights = [params[at : at + per_layer] for at in range(0, len(params), per_layer)]
    sequence = op.Transpose(sequence, perm=[1, 0, 2]) if batch_first else sequence
    by_layer = zip(*(_split(state, len(weights)) for state in states), strict=True)
    renewed = []
    for layer, initial in zip(weights, by_layer, strict=True):
        sequence, *new = _layer(kind, sequence, initial, layer, **attributes)
        renewed.append(new)
    sequence = op.Transpose(sequence, perm=[1, 0, 2]) if batch_first else sequence
    return (sequence, *(_join(parts) for parts in zip(*renewed, strict=True)))


def _layer(
    kind: str, x: Tensor, initial: Sequence[Tensor], weights: Sequence[Tensor], **attributes: Any
) -> list[Tensor]:
    """Takes x [T, B, F] to y [T, B, H], and the new states [1, B, H]."""
    w, r, *biases = weights
    hidden = r.shape[1]
    input_weights = op.Unsqueeze(_ordered(kind, w), [0])  # [1, gates * H, F]
    recurrent_weights = op.Unsqueeze(_ordered(kind, r), [0])  # [1, gates * H, H]
    bias = None
    if biases:
        both = [_ordered(kind, part) for part in biases]
        bias = op.Unsqueeze(op.Concat(*both, axis=0), [0])  # [1, 2 * gates * H]
    fused = getattr(op, kind)
    y, *new = fused(
        x, input_weights, recurrent_weights, bias, None, *initial, hidden_size=hidden, **attributes
    )
    return [op.Squeeze(y, [1]), *new]


def _ordered(kind: str, stacked: Tensor) -> Tensor:
    """The gates' rows, in torch's order, put in ONNX's."""
    gates = GATES[kind]
    if len(gates) == 1:
        return stacked
    hidden = stacked.shape[0] // len(gates)
    rows = [gate * hidden + row for gate in gates for row in range(hidden)]
    return op.Gather(stacked, rows, axis=0)


def _split(state: Tensor, layers: int) -> Sequence[Tensor]:
    if layers == 1:
        return (state,)
    return op.Split(state, num_outputs=layers, axis=0)  # type: ignore[no-any-return]


def _join(parts: Sequence[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else op.Concat(*parts, axis=0)
