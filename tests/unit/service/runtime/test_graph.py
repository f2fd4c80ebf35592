from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from service.core.errors import ModelRefused
from service.core.model import Signature, StateSpec, TensorSpec
from service.runtime.device import CPU, CPU_PROVIDER, CUDA_PROVIDER, Cpu, Device
from service.runtime.graph import Graph
from tests import graphs
from tests.devices import Distant, Kernelless, Padding

FLOAT = np.dtype("<f4")


def signature(
    *, output: str = "total", dtype: str = "<f4", shape: tuple[int, ...] = (1,)
) -> Signature:
    state = StateSpec(TensorSpec("sum", FLOAT, (1,)), "sum_next", np.zeros(1, FLOAT))
    return Signature(
        (TensorSpec("x", np.dtype(dtype), shape),), (TensorSpec(output, FLOAT, (1,)),), (state,)
    )


def test_a_graph_from_a_file_and_from_its_bytes_are_the_same(tmp_path: Path) -> None:
    path = graphs.put(tmp_path, "sum", graphs.accumulator_package())
    from_file, from_bytes = Graph(path), Graph(path.read_bytes())
    assert from_file.digest == from_bytes.digest
    assert from_file.metadata == from_bytes.metadata
    assert "stepwire" in from_file.metadata


def test_the_step_function_gives_outputs_then_states() -> None:
    function = Graph(graphs.accumulator().SerializeToString()).step_function(signature())
    total, state = function({"x": np.ones((2, 1), FLOAT), "sum": np.ones((2, 1), FLOAT)})
    assert total.tolist() == state.tolist() == [[2.0], [2.0]]


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        (signature(output="y"), r"declares outputs \['sum_next', 'y'\], the graph has"),
        (signature(dtype="<f8"), r"input x: float64\[1\] .* is float32\[batch, 1\] in the graph"),
        (signature(shape=(2,)), r"input x: float32\[2\] .* is float32\[batch, 1\] in the graph"),
        (signature(shape=(1, 1)), r"input x: float32\[1, 1\]"),
    ],
)
def test_a_signature_that_is_not_the_graphs_is_refused(declared: Signature, message: str) -> None:
    with pytest.raises(ModelRefused, match=message):
        Graph(graphs.accumulator().SerializeToString()).step_function(declared)


def test_a_file_that_is_no_model_is_refused_by_its_name_alone(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match="does not load it: .* model from model.onnx") as refused:
        Graph(graphs.put(tmp_path, "junk", b"not a model"))
    assert str(tmp_path) not in str(refused.value)


class Elsewhere(Cpu):
    """A device that this ONNX Runtime has no provider for."""

    name = "cuda:0"
    providers = ((CUDA_PROVIDER, {}), (CPU_PROVIDER, {}))


def test_operators_that_the_device_cannot_compute_are_told() -> None:
    model = graphs.recurrent("GRU")[0].SerializeToString()
    assert Graph(model, device=Kernelless()).strays == "GRU, Squeeze, Unsqueeze"
    assert Graph(model, device=Distant()).strays == ""
    assert Graph(model).strays == ""


class OfCuda(Distant):
    """Its kernels are the host's, and read what is there."""

    name = "cuda:0"
    binding = ("cuda", 0)


def test_what_the_host_reads_of_a_model_on_a_device_would_be_read_once_and_is_refused() -> None:
    graph = Graph(graphs.accumulator().SerializeToString(), device=OfCuda())
    with pytest.raises(ModelRefused, match="reads input 'x' and 'sum', .*: use --device cpu"):
        graph.bound(signature())
    with pytest.raises(ModelRefused, match="the host reads input 'x', for cuda:0 takes it there"):
        graph.bound(replace(signature(), states=()), {"sum": np.zeros((1, 1), FLOAT)})


class KernellessCuda(Kernelless):
    name = "cuda:0"
    binding = ("cuda", 0)


def test_a_model_is_refused_with_the_operators_that_the_host_computes() -> None:
    model, manifest = graphs.recurrent("GRU")
    graph = Graph(model.SerializeToString(), device=KernellessCuda())
    with pytest.raises(ModelRefused, match="reads input .*, for cuda:0 has no kernel for GRU, "):
        graph.bound(manifest.signature())


def test_a_graph_of_one_row_is_bound_to_nothing_and_may_be_read_anywhere() -> None:
    graph = Graph(graphs.accumulator().SerializeToString(), device=OfCuda())
    bound = graph.bound(replace(signature(), fixed_batch=True))
    one = {"x": np.ones((1, 1), FLOAT), "sum": np.ones((1, 1), FLOAT)}
    assert [array.tolist() for array in bound.by_feeds(one)] == [[[2.0]], [[2.0]]]


@pytest.mark.parametrize("device", [CPU, Distant()])
def test_the_host_may_read_what_is_its_own(device: Device) -> None:
    Graph(graphs.accumulator().SerializeToString(), device=device).bound(signature())


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_fall_back_to_another_provider_is_refused() -> None:
    told = f"does not run it on cuda:0: .* {CUDA_PROVIDER} .* which has {CPU_PROVIDER}"
    with pytest.raises(ModelRefused, match=told):
        Graph(graphs.accumulator().SerializeToString(), device=Elsewhere())


class Exact(Distant):
    is_deterministic = True


@pytest.mark.parametrize("device", [Distant(), Exact()])
def test_kernels_that_always_give_the_same_bits_are_asked_for_where_they_are_wanted(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, make = [], ort.InferenceSession

    def session(source: object, options: ort.SessionOptions, **named: object) -> object:
        made.append(options.use_deterministic_compute)
        return make(source, options, **named)

    monkeypatch.setattr(ort, "InferenceSession", session)
    Graph(graphs.accumulator().SerializeToString(), device=device)
    assert made == [device.is_deterministic]


def test_a_device_that_fails_is_not_replaced_by_the_cpu(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tried = []

    def fail(_: object, providers: object, *more: object) -> None:
        tried.append(providers)
        raise RuntimeError("CUDA failure 2: out of memory")

    monkeypatch.setattr(ort.InferenceSession, "_create_inference_session", fail)
    with pytest.raises(ModelRefused, match="CUDA failure 2: out of memory"):
        Graph(graphs.accumulator_package(), device=Padding())
    assert len(tried) == 1 and not capsys.readouterr().out
