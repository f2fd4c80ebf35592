"""Weights fill the module or are refused, and nothing but tensors is unpickled."""

from __future__ import annotations

import contextlib
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file, save_model
from torch import nn

from export.source import ExportRefused
from export.weights import fill
from tests.own_modules import SequenceGRU, Words

NESTS = {"bare": None, "state_dict": "state_dict", "model_state_dict": "model_state_dict"}


def made(seed: int, kind: type[nn.Module] = SequenceGRU) -> nn.Module:
    torch.manual_seed(seed)
    return kind()


def assert_same(module: nn.Module, other: nn.Module) -> None:
    for (name, tensor), others in zip(
        module.state_dict().items(), other.state_dict().values(), strict=True
    ):
        assert torch.equal(tensor, others), name


def test_safetensors_fill_the_module(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    trained, module = made(1), made(2)
    save_file(trained.state_dict(), path)
    fill(module, path)
    assert_same(module, trained)


@pytest.mark.parametrize("nest", NESTS)
@pytest.mark.parametrize("suffix", [".pt", ".pth", ".ckpt"])
def test_checkpoints_fill_the_module(tmp_path: Path, suffix: str, nest: str) -> None:
    path = tmp_path / f"weights{suffix}"
    trained, module = made(1), made(2)
    key, weights = NESTS[nest], trained.state_dict()
    torch.save(weights if key is None else {key: weights, "epoch": 7}, path)
    fill(module, path)
    assert_same(module, trained)


def test_tied_weights_are_saved_once(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    trained, module = made(1, Words), made(2, Words)
    save_model(trained, str(path))
    fill(module, path)
    assert_same(module, trained)


def refusal(path: Path) -> str:
    module, untouched = made(2), made(2)
    with pytest.raises(ExportRefused) as refused:
        fill(module, path)
    assert_same(module, untouched)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    weights = made(1).state_dict()
    for name in ("front.0.weight", "front.0.bias", "gru.weight_ih_l0", "gru.bias_ih_l0"):
        del weights[name]
    weights["head.weight"] = torch.zeros(3, 12)
    weights["tail.weight"] = torch.zeros(1)
    save_file(weights, path)
    assert refusal(path) == (
        f"{path} does not fit the module: it misses front.0.weight, front.0.bias, "
        "gru.weight_ih_l0 and 1 more; it has unknown tail.weight; it has of another shape "
        "head.weight [3, 12], not [2, 12]"
    )


@pytest.mark.parametrize("dtype", [torch.int64, torch.complex64])
def test_weights_of_another_kind_are_named(tmp_path: Path, dtype: torch.dtype) -> None:
    path = tmp_path / "weights.pt"
    weights = made(1).state_dict()
    torch.save({**weights, "head.bias": weights["head.bias"].to(dtype)}, path)
    name = str(dtype).removeprefix("torch.")
    assert refusal(path) == (
        f"{path} does not fit the module: it has of another kind head.bias {name}, not float32"
    )


@pytest.mark.parametrize("kind", ["sparse", "meta"])
def test_tensors_that_cannot_be_copied_are_refused(tmp_path: Path, kind: str) -> None:
    path, module = tmp_path / "weights.pt", made(2)
    weights = made(1).state_dict()
    odd = weights["head.bias"].to_sparse() if kind == "sparse" else weights["head.bias"].to("meta")
    torch.save({**weights, "head.bias": odd}, path)
    with pytest.raises(ExportRefused, match=f"{path} does not fill the module: RuntimeError: "):
        fill(module, path)


class WithExtraState(SequenceGRU):
    def get_extra_state(self) -> dict[str, int]:
        return {"epoch": 3}

    def set_extra_state(self, state: dict[str, int]) -> None:
        raise AssertionError("there is none")


def test_a_state_that_is_no_tensor_is_left_to_the_module(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    trained, module = made(1), made(2, WithExtraState)
    save_file(trained.state_dict(), path)
    fill(module, path)
    for name, tensor in trained.state_dict().items():
        assert torch.equal(module.state_dict()[name], tensor), name


class Trap:
    """Leaves a file behind if it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("old_format", [False, True])
def test_a_pickle_of_more_than_tensors_is_not_run(tmp_path: Path, old_format: bool) -> None:
    path, sprung = tmp_path / "weights.pt", tmp_path / "sprung"
    if old_format:
        path.write_bytes(pickle.dumps(Trap(sprung)))
    else:
        torch.save({"state_dict": made(1).state_dict(), "extra": Trap(sprung)}, path)
    assert f"{path} holds more than tensors, and nothing of it was run" in refusal(path)
    assert not sprung.exists()


def test_a_whole_module_is_not_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "module.pt"
    torch.save(made(1), path)
    assert "save module.state_dict()" in refusal(path)


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pt"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    assert f"{path} cannot be read" in refusal(path)
    path.write_bytes(b"")
    assert str(path) in refusal(path)
    torch.save(made(1).state_dict(), tmp_path / "whole.pt")
    path.write_bytes((tmp_path / "whole.pt").read_bytes()[:500])
    assert str(path) in refusal(path)


def test_a_damaged_checkpoint_is_refused_wherever_the_damage_is(tmp_path: Path) -> None:
    path, whole = tmp_path / "weights.pt", tmp_path / "whole.pt"
    torch.save(made(1).state_dict(), whole)
    random, data = np.random.default_rng(0), whole.read_bytes()
    for _ in range(200):
        damaged = bytearray(data)
        for place in random.integers(2000, size=3):
            damaged[place] = random.integers(256)
        path.write_bytes(damaged)
        with contextlib.suppress(ExportRefused):  # damaged numbers are still numbers
            fill(made(2), path)


def test_torchs_advice_to_run_a_file_is_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    with zipfile.ZipFile(path, "w") as file:  # as torch.jit.save writes it
        for name in ("data.pkl", "constants.pkl", "code/__torch__.py", "version"):
            file.writestr(f"weights/{name}", "")
    line = refusal(path)
    assert "such as a TorchScript: save module.state_dict()" in line
    assert "weights_only" not in line


@pytest.mark.parametrize(
    "content",
    [[torch.zeros(1)], {"optimizer": {"lr": 0.1}}, {"a": 3}, {0: torch.zeros(1)}],
)
def test_a_checkpoint_without_weights_by_name_is_refused(tmp_path: Path, content: object) -> None:
    path = tmp_path / "weights.pt"
    torch.save(content, path)
    assert f"{path} holds no weights by name" in refusal(path)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    assert "weights are .safetensors, or .pt" in refusal(tmp_path / "weights.h5")
