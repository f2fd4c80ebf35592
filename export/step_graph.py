"""The step graph: one timestep as ONNX, its batch axis free, its recurrent layers fused."""

from __future__ import annotations

import logging
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import onnx
import onnxscript.optimizer
import torch
from torch import Tensor, nn

from export.fused_ops import OPSET, translations
from export.source import RESET_BEFORE, ExportRefused
from service.repository.manifest import Manifest
from service.repository.manifest import Tensor as Declared

FOLDED_BYTES = 64 * 2**20
"""Weights up to this size are put in ONNX's gate order here, not at each load."""


def build(step: nn.Module, manifest: Manifest) -> onnx.ModelProto:
    """Exports `step`, which takes the inputs, then the states of the manifest, in its order."""
    states = [state.input for state in manifest.states]
    taken = [*manifest.inputs, *states]
    given = [tensor.name for tensor in manifest.outputs] + [s.output for s in manifest.states]
    batch = torch.export.Dim("batch")
    with _quiet():
        program = torch.onnx.export(
            _Positional(step).eval(),
            tuple(_example(tensor) for tensor in taken),
            dynamo=True,
            opset_version=OPSET,
            custom_translation_table=translations(),
            input_names=[tensor.name for tensor in taken],
            output_names=given,
            dynamic_shapes={"tensors": tuple({tensor.batch_axis: batch} for tensor in taken)},
            verbose=False,
        )
        assert program is not None  # it is None only without dynamo
        onnxscript.optimizer.optimize(
            program.model, input_size_limit=FOLDED_BYTES, output_size_limit=FOLDED_BYTES
        )
        model = program.model_proto
    _strip(model.graph)
    onnx.checker.check_model(model, full_check=True)
    return model


def check_fused(model: onnx.ModelProto, expected: Mapping[str, int]) -> None:
    """Raises ExportRefused unless the graph holds the `expected` recurrent operators, unbroken."""
    held = Counter(_named(node) for node in model.graph.node)
    for loop in ("Loop", "Scan"):
        if loop in held:
            raise ExportRefused(f"the graph holds a {loop}: it is not one timestep")
    if held[RESET_BEFORE] > expected.get(RESET_BEFORE, 0):
        raise ExportRefused(
            "a GRU of the graph resets before the recurrent product, the network's after it"
        )
    for operator, count in expected.items():
        if held[operator] != count:
            raise ExportRefused(f"the graph holds {held[operator]} fused {operator}, not {count}")


class _Positional(nn.Module):
    """Takes its tensors without names, so that their dynamic shapes follow the manifest."""

    def __init__(self, step: nn.Module) -> None:
        super().__init__()
        self.step = step

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        given: tuple[Tensor, ...] = self.step(*tensors)
        return given


def _example(tensor: Declared) -> Tensor:
    # Two rows: an export from a single row would fix the batch at one.
    return torch.zeros(tensor.spec().batched(2), dtype=getattr(torch, tensor.dtype))


def _named(node: onnx.NodeProto) -> str:
    """The operator, as `Source.fused` has it."""
    resets_after = any(a.name == "linear_before_reset" and a.i for a in node.attribute)
    return RESET_BEFORE if node.op_type == "GRU" and not resets_after else node.op_type


def _strip(graph: onnx.GraphProto) -> None:
    """Removes what the exporter noted about the sources: paths and stack traces, half the file."""
    for part in (*graph.node, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    graph.ClearField("metadata_props")
    graph.ClearField("doc_string")
    graph.ClearField("value_info")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps what torch's exporter says of its own inside: deprecations, and torchvision missing."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
