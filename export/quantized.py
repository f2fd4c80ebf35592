"""A proven step graph in 8-bit integers, and what that costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import onnx
import onnxscript.optimizer

from export.int8.equations import unfolded
from export.int8.products import InInt8, in_int8
from export.loss import TIMESTEPS, Loss, long_stream, losses
from export.source import ExportRefused, Source
from export.verify import Reference, stepped
from service.core.errors import ModelRefused
from service.core.model import Array, Signature
from service.repository.manifest import Manifest
from service.runtime.graph import Graph
from service.runtime.stepper import Stepper

LIMIT = 0.05
"""The RMS error that is allowed if nothing is said, relative to the output's RMS."""
SMALLEST = 2**16
"""Weights; what quantizing a smaller product adds around it takes longer than it saves."""


@dataclass(frozen=True, slots=True)
class Recorded(Reference):
    """What the quantized graph itself gave.

    It rounds where another processor's arithmetic may fall on the other side: then they differ by
    no more than rounding itself costs.
    """

    losses: tuple[Loss, ...]

    @property
    def atol(self) -> tuple[float, ...]:
        least = Reference(self.inputs, self.outputs).atol
        return tuple(
            max(loss.absolute, atol) for loss, atol in zip(self.losses, least, strict=True)
        )


class Quantized(NamedTuple):
    graph: onnx.ModelProto
    manifest: Manifest
    reference: Recorded


def quantized(model: bytes, source: Source, reference: Reference, limit: float) -> Quantized:
    """`model`: the proven package. `reference`: whose inputs are recorded.

    Raises ExportRefused if nothing is large enough, or if an output loses more than `limit`.
    """
    made = in_integers(onnx.load_model_from_string(model), SMALLEST)
    if not made.products:
        raise ExportRefused(
            f"no product of the network has {SMALLEST} weights: int8 would make it no faster, so "
            "leave --quantize out"
        )
    graph = made.model.SerializeToString()
    signature = source.manifest.signature()
    stream = long_stream(source.sample)
    lost = losses(
        [output.name for output in signature.outputs],
        _outputs(model, signature, stream),
        _outputs(graph, signature, stream),
    )
    _check(lost, limit, source.sampled)
    outputs = _outputs(graph, signature, reference.inputs)
    return Quantized(
        made.model,
        _told(source, made, lost, limit),
        Recorded(reference.inputs, outputs, lost),
    )


def in_integers(model: onnx.ModelProto, smallest: int) -> InInt8:
    """A step graph with its products of `smallest` weights or more in int8."""
    return in_int8(unfolded(_folded(model), smallest), smallest)


def _folded(model: onnx.ModelProto) -> onnx.ModelProto:
    """Very large weights are put in ONNX's order of the gates by nodes, until here."""
    size = 2**31
    found = onnxscript.optimizer.optimize(model, input_size_limit=size, output_size_limit=size)
    assert isinstance(found, onnx.ModelProto)
    return found


def _outputs(model: bytes, signature: Signature, inputs: Sequence[Array]) -> list[Array]:
    """Raises ExportRefused."""
    try:
        stepper = Stepper(Graph(model).step_function(signature), signature)
    except ModelRefused as error:
        raise ExportRefused(str(error)) from error
    return stepped(stepper, inputs, range(len(inputs[0])))


def _check(lost: Sequence[Loss], limit: float, sampled: str) -> None:
    worst = max(lost, key=lambda loss: loss.rms)
    if not worst.rms <= limit:
        enough = math.ceil(worst.rms * 100) / 100
        raise ExportRefused(
            f"int8 loses too much: over {TIMESTEPS} timesteps of {sampled}, {worst} of its RMS, "
            f"and {limit:.2%} RMS is allowed: take --quantize-limit {enough:g}, or leave "
            "--quantize out"
        )


def _told(source: Source, made: InInt8, lost: Sequence[Loss], limit: float) -> Manifest:
    about = {
        "weights": "int8",
        "products": made.products,
        "quantized weights": made.weights,
        "measured over": f"{TIMESTEPS} timesteps of {source.sampled}",
        "RMS error": {loss.output: loss.rms for loss in lost},
        "largest error": {loss.output: loss.largest for loss in lost},
        "limit": limit,
    }
    training = {**source.manifest.training, "quantization": about}
    return source.manifest.model_copy(update={"training": training})
