"""A stepper whose device has few rows gives what one gives whose device has one for each slot."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from service.core.model import GoldenRun
from service.core.slots import as_index
from service.repository.description import describe
from service.runtime.arena import Arena, MakeStates
from service.runtime.device import CPU, Device
from service.runtime.graph import Graph
from service.runtime.loading import proven_stepper
from service.runtime.spilling import SpillingArena
from service.runtime.stepper import Stepper
from tests.devices import Distant
from tests.pages import ROOT

SLOTS, MAX_BATCH, ROWS = 12, 4, 6
FEW = partial(SpillingArena, rows=ROWS, max_batch=MAX_BATCH)


def bundled(model: str, device: Device, states: MakeStates) -> tuple[Stepper, GoldenRun]:
    """With all slots started."""
    graph = Graph(ROOT / "model_repository" / model / "1" / "model.onnx", device=device)
    found = describe(graph.facts, None)
    assert found.golden
    stepper = proven_stepper(graph, found.signature, found.golden, found.constants, states=states)
    stepper.reserve(SLOTS)
    for slot in range(SLOTS):
        stepper.start(slot)
    return stepper, found.golden


@pytest.mark.parametrize("device", [CPU, Distant()], ids=lambda device: device.name)
@pytest.mark.parametrize("model", ["pendulum-lstm", "sales-gru", "text-gru"])
def test_a_bundled_model_computes_the_same_bits(model: str, device: Device) -> None:
    (plain, golden), (few, _) = bundled(model, CPU, Arena), bundled(model, device, FEW)
    random = np.random.default_rng(0)
    faults = 0
    for _ in range(60):
        rows = random.integers(1, MAX_BATCH + 1)
        slots = as_index(random.choice(SLOTS, rows, replace=False))
        arrays = [array[random.integers(0, golden.steps, rows)] for array in golden.inputs]
        if random.random() < 0.2:
            arrays[0][0] = np.nan if arrays[0].dtype.kind == "f" else -1
        inputs = [array.tobytes() for array in arrays]
        mine, theirs = few.step(slots, inputs), plain.step(slots, inputs)
        faults += len(mine.faults)
        assert mine.faults == theirs.faults
        for output, expected in zip(mine.outputs, theirs.outputs, strict=True):
            assert output.tobytes() == expected.tobytes()
    assert faults > 5
    everyone = np.arange(SLOTS)
    assert few.save(everyone) == plain.save(everyone)
    few.restore(3, plain.save(np.array([7]))[0])
    assert few.save(np.array([3])) == plain.save(np.array([7]))
    reading = few.reading()
    assert reading and reading.counts.spilled > 20


def test_with_all_slots_resident_inputs_and_outputs_alone_cross_the_bus() -> None:
    device = Distant()
    few, _ = bundled("pendulum-lstm", device, FEW)
    inputs = [b"\0" * spec.nbytes * 3 for spec in few.signature.inputs]
    few.step(slice(2, 5), inputs)
    device.crossings.clear()
    few.step(slice(2, 5), inputs)
    assert device.crossings == {
        "upload": len(few.signature.inputs),
        "download": len(few.signature.outputs),
    }
