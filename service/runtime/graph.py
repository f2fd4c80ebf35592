"""A step graph in ONNX Runtime."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import onnxruntime as ort

from service.core.errors import ModelRefused
from service.core.graph import Dim, GraphFacts, GraphTensor
from service.core.model import Array, Signature, TensorSpec
from service.runtime.bound import BoundGraph
from service.runtime.device import CPU, Device
from service.runtime.plain import StepFunction
from service.runtime.telling import line

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(int16)": "int16",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(bool)": "bool",
}


class _Tensor(Protocol):
    name: str
    type: str
    shape: Sequence[Dim]


class Graph:
    def __init__(self, source: Path | bytes, *, threads: int = 1, device: Device = CPU) -> None:
        """Loads a model file or its bytes. Raises ModelRefused if ONNX Runtime cannot."""
        model = source if isinstance(source, bytes) else source.read_bytes()
        self.digest = hashlib.sha256(model).hexdigest()
        self.threads = threads
        self.device = device
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # A spinning pool burns a core between timesteps.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.use_deterministic_compute = device.is_deterministic
        options.log_severity_level = 4  # errors are raised, and told once
        if not device.is_host:
            options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
        try:
            self._session = ort.InferenceSession(
                model if isinstance(source, bytes) else str(source),
                options,
                providers=[(name, dict(options)) for name, options in device.providers],
                enable_fallback=0,  # or it would try the CPU where the device fails
            )
        except Exception as error:  # ONNX Runtime has no common base class
            told = (
                line(error) if isinstance(source, bytes) else _without_folder(line(error), source)
            )
            raise ModelRefused(f"ONNX Runtime does not load it: {told}") from error
        _require(device, self._session.get_providers())

    @property
    def metadata(self) -> dict[str, str]:
        """The file's `metadata_props`."""
        return self.facts.metadata

    @property
    def facts(self) -> GraphFacts:
        return GraphFacts(
            tuple(map(_tensor, self._session.get_inputs())),
            tuple(map(_tensor, self._session.get_outputs())),
            dict(self._session.get_modelmeta().custom_metadata_map),
        )

    @property
    def strays(self) -> str:
        """The operators that the device has no kernel for, and the host computes; empty if none.

        What one side makes and the other reads crosses the bus in every run.
        """
        if self.device.is_host:
            return ""
        first = self.device.providers[0][0]
        found = {
            node.op_type
            for part in self._session.get_provider_graph_assignment_info()
            if part.ep_name != first
            for node in part.get_nodes()
        }
        return ", ".join(sorted(found))

    def step_function(
        self, signature: Signature, constants: Mapping[str, Array] | None = None
    ) -> StepFunction:
        """`constants`: inputs beside those of the signature, the same in every run.

        Raises ModelRefused if the graph's tensors are not those of the signature.
        """
        fixed = dict(constants or {})
        names = self._check(signature, fixed)
        run = self._session.run
        if fixed:
            return lambda feeds: run(names, {**feeds, **fixed})
        return lambda feeds: run(names, feeds)

    def bound(
        self, signature: Signature, constants: Mapping[str, Array] | None = None
    ) -> BoundGraph:
        """The same, with its tensors bound to memory of the device.

        Raises ModelRefused also if the host reads any but constants: ONNX Runtime would copy it
        when it is bound, and read that copy in every run.
        """
        fixed = dict(constants or {})
        self._check(signature, fixed)
        if not signature.fixed_batch:
            self._refuse_host_reads(fixed)
        # By feeds ONNX Runtime copies to the device and back, and nothing is padded.
        exact = self.device.is_host or signature.fixed_batch
        by_feeds = self.step_function(signature, fixed) if exact else None
        return BoundGraph(self._session, signature, self.device, fixed, by_feeds)

    def _refuse_host_reads(self, fixed: Collection[str]) -> None:
        """Raises ModelRefused."""
        if self.device.binding[0] == "cpu":
            return
        session = self._session
        found = zip(session.get_inputs(), session.get_input_memory_infos(), strict=True)
        there = [repr(t.name) for t, info in found if info.name == "Cpu" and t.name not in fixed]
        if there:
            name, strays = self.device.name, self.strays
            reason = f"{name} has no kernel for {strays}" if strays else f"{name} takes it there"
            raise ModelRefused(
                f"the host reads input {' and '.join(there)}, for {reason}: use --device cpu"
            )

    def _check(self, signature: Signature, fixed: Mapping[str, Array]) -> list[str]:
        """The names of what the graph gives. Raises ModelRefused."""
        states = [state.input for state in signature.states]
        new_states = [
            TensorSpec(state.output, state.input.dtype, state.input.shape, state.input.batch_axis)
            for state in signature.states
        ]
        facts = self.facts
        asked = [tensor for tensor in facts.inputs if tensor.name not in fixed]
        _compare("input", [*signature.inputs, *states], asked)
        names = [spec.name for spec in [*signature.outputs, *new_states]]
        given = [tensor for tensor in facts.outputs if tensor.name in names]
        _compare("output", [*signature.outputs, *new_states], given)
        return names


def _require(device: Device, taken: Sequence[str]) -> None:
    """ONNX Runtime falls back without a word to what a server was not meant to compute with."""
    first = device.providers[0][0]
    if first not in taken:
        raise ModelRefused(
            f"ONNX Runtime does not run it on {device.name}: of {first} there is nothing in its "
            f"session, which has {', '.join(taken)}"
        )


def _without_folder(message: str, file: Path) -> str:
    """Every caller may read it, and where the repository is concerns none."""
    for folder in {file.parent.resolve(), file.parent} - {Path()}:
        message = message.replace(f"{folder}/", "")
    return message


def _tensor(found: _Tensor) -> GraphTensor:
    shape = tuple(dim if _tells(dim) else None for dim in found.shape)
    return GraphTensor(found.name, _DTYPES.get(found.type, found.type), shape)


def _tells(dim: Dim) -> bool:
    """A name that cannot be printed is none."""
    return isinstance(dim, int) or bool(dim and dim.isprintable())


def _compare(kind: str, declared: Sequence[TensorSpec], found: Sequence[GraphTensor]) -> None:
    tensors = {tensor.name: tensor for tensor in found}
    if set(tensors) != {spec.name for spec in declared}:
        raise ModelRefused(
            f"the manifest declares {kind}s {sorted(spec.name for spec in declared)}, "
            f"the graph has {sorted(tensors)}"
        )
    for spec in declared:
        tensor = tensors[spec.name]
        if tensor.dtype != spec.dtype.name or not _fits(spec, tensor.shape):
            raise ModelRefused(
                f"{kind} {spec} with batch axis {spec.batch_axis} is {tensor} in the graph"
            )


def _fits(spec: TensorSpec, shape: Sequence[Dim]) -> bool:
    """Named and absent dimensions fit any number."""
    declared = spec.batched(1)
    return len(declared) == len(shape) and all(
        size == known for size, known in zip(declared, shape, strict=True) if isinstance(known, int)
    )
