"""Recorded inputs of a module: they tell its shape, and are what it is proven on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from export.module_source import source_of
from export.samples import recorded
from export.source import ExportRefused
from tests.unit.export.user import User

CLASSES = """\
class Symbols(Base):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(7, 3)
    def forward(self, symbol):
        return super().forward(self.embedding(symbol.clamp_max(6)))

class Broadcast(Base):
    def __init__(self):
        super().__init__()
        self.one = nn.Linear(1, 1)
    def forward(self, x):
        return super().forward(x + torch.zeros(3))

class Joined(Base):
    def forward(self, x, u):
        return super().forward(torch.cat([x, u], -1))
"""


def recording(rows: int = 2, steps: int = 70, width: int = 3) -> np.ndarray:
    return np.random.default_rng(3).uniform(5, 6, (rows, steps, width))


def test_a_recording_tells_the_shape_and_is_the_sample(user: User, tmp_path: Path) -> None:
    user.write(CLASSES)
    path = tmp_path / "recorded.npy"
    np.save(path, recording())
    source = source_of(f"{user.module}:Broadcast", recorded=path)
    [x] = source.sample(8, 256)
    assert x.shape == (8, 70, 3) and x.dtype == np.float32
    np.testing.assert_array_equal(x[3], recording()[1].astype(np.float32))


def test_several_recorded_inputs_lie_in_one_file(user: User, tmp_path: Path) -> None:
    user.write(CLASSES)
    path = tmp_path / "recorded.safetensors"
    arrays = {"u": recording(width=1).astype(np.float32), "x": recording(width=2)}
    save_file(arrays, path)
    source = source_of(f"{user.module}:Joined", recorded=path)
    assert [tensor.shape for tensor in source.manifest.inputs] == [(2,), (1,)]
    assert [array.shape for array in source.sample(2, 64)] == [(2, 64, 2), (2, 64, 1)]


def test_recorded_symbols_need_no_embedding(user: User, tmp_path: Path) -> None:
    user.write(CLASSES)
    path = tmp_path / "recorded.npy"
    np.save(path, np.arange(70)[np.newaxis] % 5)
    source = source_of(f"{user.module}:Symbols", recorded=path)
    assert source.sample(1, 64)[0].tolist() == [(np.arange(64) % 5).tolist()]


def test_a_recording_of_another_shape_is_refused(user: User, tmp_path: Path) -> None:
    user.write(CLASSES)
    path = tmp_path / "recorded.npy"
    np.save(path, recording(width=2))
    line = user.refused("Base", "--sample", str(path), "--input", "x=float32[3]")
    assert line == f"{path}: 'x' is float64[2] at each timestep, not float32[3]"


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (recording(steps=63), "has shape [2, 63, 3]: sequences, timesteps (at least 64)"),
        (np.zeros(70), "has shape [70]"),
        (np.array([{}]), "cannot be read: ValueError: "),
    ],
    ids=["short", "flat", "pickled"],
)
def test_a_recording_that_is_none_is_refused(
    tmp_path: Path, array: np.ndarray, reason: str
) -> None:
    path = tmp_path / "recorded.npy"
    np.save(path, array)
    with pytest.raises(ExportRefused) as refused:
        recorded(path, ["x"])
    assert reason in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_a_recording_that_is_not_finite_as_served_is_refused(
    user: User, tmp_path: Path, value: float
) -> None:
    user.write(CLASSES)
    path = tmp_path / "recorded.npy"
    np.save(path, np.where(np.arange(3) == 1, value, recording()))
    line = user.refused("Base", "--sample", str(path))
    assert line == f"{path}: 'x' holds NaN or Inf as float32, first at [0, 0, 1]"


def test_a_recording_without_values_is_refused(user: User, tmp_path: Path) -> None:
    user.write(CLASSES)
    path = tmp_path / "recorded.npy"
    np.save(path, recording(width=0))
    assert user.refused("Base", "--sample", str(path)).startswith("'x' cannot be float32[0]: ")


def test_a_recording_must_hold_the_inputs(tmp_path: Path) -> None:
    path = tmp_path / "recorded.safetensors"
    save_file({"y": recording()}, path)
    with pytest.raises(ExportRefused, match="holds y: the module takes x, u"):
        recorded(path, ["x", "u"])
    save_file({"x": recording(), "u": recording(rows=3)}, path)
    with pytest.raises(ExportRefused, match="differ in their sequences"):
        recorded(path, ["x", "u"])


def test_a_single_array_is_a_single_input(tmp_path: Path) -> None:
    path = tmp_path / "recorded.npy"
    np.save(path, recording())
    with pytest.raises(ExportRefused, match="one array cannot be x, u"):
        recorded(path, ["x", "u"])
    with pytest.raises(ExportRefused, match="recorded inputs are .npy or .safetensors"):
        recorded(path.with_suffix(".csv"), ["x"])
    with pytest.raises(ExportRefused, match="cannot be read: FileNotFoundError"):
        recorded(tmp_path / "absent.npy", ["x"])
