"""A model file may keep its weights in other files: of its own folder, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from service.core.errors import ModelRefused
from service.runtime.graph import Graph

WEIGHTS = np.arange(4, dtype=np.float32)


def put_model(folder: Path, location: str) -> Path:
    """A model of y = x + weights, which lie at `location`."""
    weights = TensorProto(
        name="weights",
        data_type=TensorProto.FLOAT,
        dims=WEIGHTS.shape,
        data_location=TensorProto.EXTERNAL,
    )
    for key, value in (("location", location), ("offset", "0"), ("length", str(WEIGHTS.nbytes))):
        weights.external_data.add(key=key, value=value)
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [4]) for name in "xy")
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "weights"], ["y"])], "graph", [x], [y], [weights]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    package = tmp_path / "package"
    package.mkdir()
    for place in (tmp_path, package):
        (place / "weights.bin").write_bytes(WEIGHTS.tobytes())
    (package / "link.bin").symlink_to(tmp_path / "weights.bin")
    return package


def test_weights_beside_the_model_are_read(folder: Path) -> None:
    assert [tensor.name for tensor in Graph(put_model(folder, "weights.bin")).facts.inputs] == ["x"]


@pytest.mark.parametrize("location", ["../weights.bin", "{outside}/weights.bin", "link.bin"])
def test_weights_elsewhere_are_refused(folder: Path, location: str) -> None:
    path = put_model(folder, location.format(outside=folder.parent))
    with pytest.raises(ModelRefused, match="ONNX Runtime does not load it"):
        Graph(path)
