from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.core.errors import StepFault
from service.core.model import Array
from service.repository.manifest import decode
from service.runtime.device import CPU, CPU_PROVIDER, CUDA_PROVIDER, Cuda, DeviceArray
from service.runtime.graph import Graph
from service.runtime.loading import proven_stepper
from tests import cupy_like

MODEL = Path(__file__).parents[4] / "model_repository" / "sine-lstm" / "1" / "model.onnx"


@pytest.fixture
def _cupy(monkeypatch: pytest.MonkeyPatch) -> None:
    cupy_like.install(monkeypatch)


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_found(dtype: str, bad: float) -> None:
    good, spoilt = np.ones(100, dtype), np.ones(100, dtype)
    spoilt[63] = bad
    large = np.full(100, np.finfo(dtype).max, dtype)
    assert CPU.finite([good, large, -large])
    assert not CPU.finite([good, spoilt])


@pytest.mark.usefixtures("_cupy")
def test_onnx_runtime_works_on_the_stream_of_the_arrays_and_rounds_as_float32_does() -> None:
    device = Cuda(3, memory=1 << 30)
    (provider, options), (last, _) = device.providers
    assert (device.name, device.binding, provider, last) == (
        "cuda:3",
        ("cuda", 3),
        CUDA_PROVIDER,
        CPU_PROVIDER,
    )
    assert options["device_id"] == "3"
    assert options["user_compute_stream"] == str(cupy_like.Stream().ptr)
    assert options["gpu_mem_limit"] == str(1 << 30)
    assert options["use_tf32"] == "0"
    assert options["cudnn_conv_algo_search"] == "HEURISTIC"
    assert "gpu_mem_limit" not in Cuda().providers[0][1]


def test_without_cupy_a_cuda_device_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(ImportError, match="cupy"):
        Cuda()


@pytest.mark.usefixtures("_cupy")
def test_runs_are_padded_to_powers_of_two_and_large_ones_to_multiples() -> None:
    device = Cuda()
    sizes = [1, 2, 3, 4, 5, 1000, 1024, 1025, 3000]
    assert [device.padded(rows) for rows in sizes] == [1, 2, 4, 4, 8, 1024, 1024, 2048, 3072]
    fixed = Cuda(fixed_rows=100)
    assert [fixed.padded(rows) for rows in (1, 100, 101)] == [100, 100, 200]
    assert (CPU.is_deterministic, device.is_deterministic, fixed.is_deterministic) == (
        False,
        False,
        True,
    )


@pytest.mark.usefixtures("_cupy")
def test_room_of_about_one_size_is_asked_of_the_pool_as_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It gives again what nobody has any more, where the size is the same."""
    asked: list[int] = []

    def empty_pinned(shape: tuple[int], dtype: Any) -> Array:
        asked.append(shape[0])
        return np.empty(shape, dtype)

    monkeypatch.setattr(sys.modules["cupyx"], "empty_pinned", empty_pinned)
    device = Cuda()
    for rows in (1025, 2000, 2048):
        room = device.room((3, rows), np.dtype("<f8"))
        assert (room.shape, room.dtype) == ((3, rows), np.dtype("<f8"))
        assert room.flags.c_contiguous
    assert asked == [2**15, 2**16, 2**16]


@pytest.mark.usefixtures("_cupy")
def test_what_is_free_is_the_devices_and_what_the_pool_keeps_for_the_next() -> None:
    assert Cuda().free() == cupy_like.FREE + cupy_like.POOLED
    assert CPU.free() is None


@pytest.mark.usefixtures("_cupy")
def test_what_is_not_finite_is_found_in_arrays_of_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Cuda()
    good, other = (device.put(np.ones(5, dtype)) for dtype in ("<f4", "<f8"))
    spoilt = device.put(np.array([1, np.nan, 1], "<f4"))
    assert device.finite([]) and device.finite([good, other])
    assert not device.finite([good, spoilt]) and not device.finite([spoilt, other])
    monkeypatch.setattr(device.xp, "stack", lambda _: pytest.fail("one array needs no kernel more"))
    assert device.finite([good]) and not device.finite([spoilt])


class Pretended(Cuda):
    """CUDA's own code over arrays of the host, and a session on the CPU."""

    def __init__(self) -> None:
        super().__init__()
        self.providers = ((CPU_PROVIDER, {}),)
        self.binding = ("cpu", 0)

    def take(self, array: DeviceArray, index: DeviceArray, axis: int, out: DeviceArray) -> None:
        assert isinstance(index, cupy_like.Distant)
        super().take(array, index, axis, out)


def steps(device: Any) -> list[Any]:
    """The outputs, faults and states of some steps, one of them with rows that are faults."""
    graph = Graph(MODEL, device=device)
    manifest, golden = decode(graph.metadata)
    stepper = proven_stepper(graph, manifest.signature(), golden, max_batch=8)
    stepper.reserve(8)
    for slot in range(8):
        stepper.start(slot)
    seen: list[Any] = []
    random = np.random.default_rng(0)
    for slots in (slice(0, 3), np.array([5, 1, 7]), slice(2, 3), np.arange(8)[::-1]):
        rows = slots.stop - slots.start if isinstance(slots, slice) else len(slots)
        inputs = random.standard_normal((rows, 1)).astype(np.float32)
        if rows == 3:
            inputs[1] = np.nan
        result = stepper.step(slots, [inputs.tobytes()])
        good = [row for row in range(rows) if row not in result.faults]
        seen.append([array[good].tobytes() for array in result.outputs])
        seen.append({row: fault.fault for row, fault in result.faults.items()})
    stepper.restore(6, stepper.save(np.array([1]))[0])
    seen.append(stepper.save(np.arange(8)))
    return seen


@pytest.mark.usefixtures("_cupy")
def test_arrays_of_the_host_and_of_cuda_are_kept_apart_and_the_bits_are_the_same() -> None:
    seen = steps(Pretended())
    assert {1: StepFault.INVALID_INPUT} in seen
    assert seen == steps(CPU)
