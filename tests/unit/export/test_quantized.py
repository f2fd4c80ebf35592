"""`stepwire export --quantize int8`: the loss is measured, told, and limited."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import numpy_helper

from export.command import export as command
from export.loss import TIMESTEPS, Loss, long_stream, losses
from export.package import Package, export
from export.quantized import SMALLEST
from export.source import ExportRefused
from service.core.errors import ModelRefused
from service.core.model import Array
from service.inspection import inspect
from service.repository.description import describe
from service.repository.manifest import decode
from service.runtime.graph import Graph
from service.runtime.loading import proven_stepper
from service.runtime.stepper import Batching
from tests.pages import Page
from tests.unit.export.made import made
from tests.unit.export.user import User


def exported(folder: Path, limit: float | None, smallest: int = 64) -> Package:
    """Of an untrained LSTM, whose graph is there already."""
    source, graph, _ = made("lstm", 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("export.package.build", lambda step, manifest: graph)
        patch.setattr("export.quantized.SMALLEST", smallest)
        return export(source, folder, quantize_limit=limit)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return exported(tmp_path_factory.mktemp("int8"), limit=0.5)


def test_the_service_loads_it_and_streams_share_runs(package: Package) -> None:
    graph = Graph(package.path)
    described = describe(graph.facts, None)
    stepper = proven_stepper(graph, described.signature, described.golden)
    assert stepper.batching is Batching.ANY


def test_the_file_says_what_was_lost(package: Package) -> None:
    [loss] = package.losses
    assert loss.output == "next_value"
    assert 0 < loss.rms < loss.largest
    manifest, _ = decode(Graph(package.path).metadata)
    assert manifest.training["scores"] == {"network": {"error": 1.0}}
    assert manifest.training["quantization"] == {
        "weights": "int8",
        "products": 3,  # those of the input and of the head are smaller
        "quantized weights": 3 * 4 * 8 * 8,
        "measured over": "4096 timesteps of the run's sample",
        "RMS error": {"next_value": loss.rms},
        "largest error": {"next_value": loss.largest},
        "limit": 0.5,
    }


def test_the_golden_run_is_its_own_and_allows_what_rounding_costs(package: Package) -> None:
    [loss] = package.losses
    _, golden = decode(Graph(package.path).metadata)
    of_floats = made("lstm", 2)[2].golden()
    assert golden.atol == (loss.absolute,)
    off = np.abs(golden.outputs[0] - of_floats.outputs[0]).max()
    assert of_floats.atol[0] < off <= loss.absolute


def test_a_file_with_other_weights_does_not_serve(package: Package) -> None:
    model = onnx.load(package.path)
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.INT8:
            tensor.CopyFrom(numpy_helper.from_array(-numpy_helper.to_array(tensor), tensor.name))
    graph = Graph(model.SerializeToString())
    described = describe(graph.facts, None)
    with pytest.raises(ModelRefused, match="its golden run is off by"):
        proven_stepper(graph, described.signature, described.golden)


def test_what_loses_more_than_the_limit_is_refused_with_the_figures(
    tmp_path: Path, package: Package
) -> None:
    with pytest.raises(ExportRefused) as refused:
        exported(tmp_path / "sine", limit=1e-6)
    [loss] = package.losses
    told = str(refused.value)
    assert "over 4096 timesteps of the run's sample, 'next_value' is off by" in told
    assert f"{loss.rms:.2%} RMS, {loss.largest:.2%} at most" in told
    assert "take --quantize-limit 0.0" in told
    assert not (tmp_path / "sine").exists()


def test_a_network_without_large_products_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportRefused, match="no product of the network has 65536 weights"):
        exported(tmp_path / "sine", limit=0.05, smallest=SMALLEST)
    assert not (tmp_path / "sine").exists()


def test_a_module_is_quantized_as_the_page_shows(
    user: User, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module, timing = Page("docs/quantization.md").blocks("When it pays", "python")
    user.write(module.replace("256", "160").replace("num_layers=2, ", ""))
    plain = user.export("gru", "--name", "plain", "--to", "model_repository")
    result = user.export("gru", "--name", "small", "--to", "model_repository", "--quantize=int8")
    assert (plain.exit_code, result.exit_code) == (0, 0), result.output
    assert "int8 over 4096 steps: 'output' is off by " in result.stdout
    assert "alone = in a batch of 8: largest difference 0\n" in result.stdout
    files = [Path("model_repository", name, "1", "model.onnx") for name in ("plain", "small")]
    assert files[1].stat().st_size < 0.45 * files[0].stat().st_size

    told = CliRunner().invoke(inspect, [str(files[1])]).stdout
    assert "4096 timesteps of inputs drawn by chance" in told
    assert "quantization, RMS error, output" in told
    assert "streams share runs" in told

    monkeypatch.setattr(sys, "argv", ["time_steps.py", "plain", "small"])
    exec(timing, {})
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [f"batch of {n}" for n in (1, 16, 64)]
    assert all(re.search(r"plain \d+ µs, small \d+ µs$", line) for line in lines)


def test_a_limit_alone_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, [str(tmp_path), "--quantize-limit", "0.1"])
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "--quantize-limit is of --quantize int8, which is not given" in result.stderr


def test_a_long_stream_has_the_sequences_one_after_another_and_again() -> None:
    def sample(rows: int, steps: int) -> list[Array]:
        return [np.arange(rows * 100, dtype=np.float32).reshape(rows, 100, 1)]

    [stream] = long_stream(sample)
    assert stream.shape == (1, TIMESTEPS, 1)
    np.testing.assert_array_equal(stream[0, :, 0], np.arange(TIMESTEPS) % 800)


def test_a_loss_is_relative_to_the_root_mean_square_of_what_should_be() -> None:
    exact = np.array([3.0, -3.0, 3.0, -3.0])
    [loss, none, nothing] = losses(
        ["a", "b", "c"],
        [exact, exact, np.zeros(4)],
        [exact + np.array([0, 0, 0, 0.6]), exact, np.ones(4)],
    )
    assert loss.output == "a"
    assert loss[1:] == pytest.approx((0.1, 0.2, 0.6))
    assert none == Loss("b", 0, 0, 0)
    assert nothing.rms > 1e6
    assert json.loads(json.dumps(loss)) == list(loss)  # plain numbers, for the file
