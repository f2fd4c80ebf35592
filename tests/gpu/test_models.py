"""The bundled models on a CUDA device."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from service.core.errors import ModelRefused
from service.core.model import Array, GoldenRun
from service.repository.description import describe
from service.runtime.choice import choose, chosen
from service.runtime.device import Device
from service.runtime.golden import ELSEWHERE, replay
from service.runtime.graph import Graph
from service.runtime.loading import proven_stepper
from service.runtime.stepper import Batching, Stepper
from tests.pages import ROOT

pytestmark = pytest.mark.gpu

WITHOUT_A_KERNEL = ROOT / "model_repository" / "sine-gru-reset-before" / "1" / "model.onnx"
MODELS = sorted({*(ROOT / "model_repository").glob("*/*/model.onnx")} - {WITHOUT_A_KERNEL})
EACH = pytest.mark.parametrize("file", MODELS, ids=[file.parts[-3] for file in MODELS])
SIZES = (1, 2, 3, 7, 8, 32, 33, 64, 100)
STEPS = 8
Record = Callable[[str, object], None]


class Proven(NamedTuple):
    stepper: Stepper
    golden: GoldenRun


@cache
def proven(file: Path, device: Device) -> Proven:
    graph = Graph(file, device=device)
    found = describe(graph.facts, None)
    assert found.golden
    stepper = proven_stepper(graph, found.signature, found.golden, found.constants, max_batch=100)
    return Proven(stepper, found.golden)


@EACH
def test_its_golden_run_is_within_the_tolerance_of_the_device(
    file: Path, device: Device, record_property: Record
) -> None:
    model = proven(file, device)
    off = replay(model.stepper, model.golden, ELSEWHERE)
    record_property("largest_difference", off)
    print(f"{file.parts[-3]}: off by {off:.3g}, {max(model.golden.atol):.3g} on the CPU")


@EACH
def test_its_products_are_computed_there(file: Path, device: Device) -> None:
    """Some small things are left to the host."""
    strays = Graph(file, device=device).strays
    assert not re.search("MatMul|Gemm|GRU|LSTM|RNN", strays)


def test_a_cell_that_the_device_has_no_kernel_for_is_refused_by_its_name(device: Device) -> None:
    with pytest.raises(ModelRefused, match="reads input .*'h', for cuda:0 has no kernel for .*GRU"):
        proven(WITHOUT_A_KERNEL, device)


@EACH
def test_no_state_crosses_the_bus(
    file: Path, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = proven(file, device)
    assert model.stepper.batching is not Batching.ONE
    slots, tensors = np.arange(32), inputs(model.golden, 32)
    model.stepper.reserve(32)
    for slot in slots.tolist():
        model.stepper.start(slot)
    model.stepper.step(slots, tensors[0])
    crossed: list[int] = []
    for way in ("upload", "download", "put", "fetch"):
        monkeypatch.setattr(device, way, counted(getattr(device, way), crossed))
    result = model.stepper.step(slots, tensors[1])
    rows = device.padded(32)
    there_and_back = sum(map(len, tensors[1])) + sum(each.nbytes for each in result.outputs)
    checks = 4096  # what the finite check brings back, and slots
    assert sum(crossed) <= there_and_back * rows / 32 + checks
    assert all(isinstance(state, device.xp.ndarray) for state in result.states)


@EACH
def test_how_rows_differ_by_the_size_of_a_batch(
    file: Path, device: Device, record_property: Record
) -> None:
    """It fails only where they are further apart than the golden run may be."""
    model = proven(file, device)
    alone = [run(model, [stream])[0] for stream in range(max(SIZES))]
    allowed = max(model.golden.atol) * ELSEWHERE
    for size in SIZES:
        together = run(model, list(range(size)))
        differ = sum(a.tobytes() != b.tobytes() for a, b in zip(together, alone, strict=False))
        largest = max(
            float(np.abs(a.astype(np.float64) - b).max())
            for a, b in zip(together, alone, strict=False)
        )
        record_property(f"differ_of_{size}", differ)
        print(f"{file.parts[-3]}: {differ} of {size} streams differ, by {largest:.3g} at most")
        assert largest <= allowed


@EACH
def test_with_a_fixed_batch_no_bit_depends_on_the_neighbours(file: Path) -> None:
    fixed = chosen("cuda", fixed_rows=100).device
    model = proven(file, fixed)
    assert model.stepper.batching is Batching.ANY
    alone = [run(model, [stream])[0].tobytes() for stream in range(max(SIZES))]
    for size in SIZES:
        assert [row.tobytes() for row in run(model, list(range(size)))] == alone[:size]


def test_a_number_that_no_device_has_is_told() -> None:
    with pytest.raises(RuntimeError, match="there is no CUDA device 999: there "):
        choose("cuda:999")


def test_auto_takes_cuda() -> None:
    taken = chosen("auto")
    assert taken.device.name == "cuda:0" and not taken.why_not_cuda


def inputs(golden: GoldenRun, streams: int) -> list[list[bytes]]:
    """Per timestep and input, of so many streams, each at another place of the golden run."""
    starts = np.arange(streams)
    return [
        [array[(starts + step) % golden.steps].tobytes() for array in golden.inputs]
        for step in range(STEPS)
    ]


def run(model: Proven, streams: list[int]) -> list[Array]:
    """The first output of each stream at all timesteps, stepped together."""
    stepper, golden = model.stepper, model.golden
    slots = np.arange(len(streams))
    stepper.reserve(len(streams))
    for slot in slots.tolist():
        stepper.start(slot)
    given = []
    for step in range(STEPS):
        places = (np.array(streams) + step) % golden.steps
        tensors = [array[places].tobytes() for array in golden.inputs]
        given.append(np.array(stepper.step(slots, tensors).outputs[0]))
    return list(np.stack(given, axis=1))


def counted(function: Callable[..., object], crossed: list[int]) -> Callable[..., object]:
    """It adds the bytes of its first argument, an array."""

    def counting(array: Array, *more: object) -> object:
        crossed.append(array.nbytes)
        return function(array, *more)

    return counting
