from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from service.core.model import Array
from service.repository.manifest import decode
from service.runtime.device import CPU, Device
from service.runtime.graph import Graph
from service.runtime.stepper import Stepper
from tests import graphs
from tests.devices import Padding


def accumulating(device: Device = CPU) -> Stepper:
    graph = Graph(graphs.accumulator_package(), device=device)
    signature = decode(graph.metadata)[0].signature()
    stepper = Stepper(graph.bound(signature), signature)
    stepper.reserve(16)
    for slot in range(16):
        stepper.start(slot)
    return stepper


class Roomy(Padding):
    def __init__(self) -> None:
        super().__init__()
        self.rooms: list[Array] = []

    def room(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        self.rooms.append(super().room(shape, dtype))
        return self.rooms[-1]


def test_outputs_are_where_the_device_has_written_them() -> None:
    device = Roomy()
    stepper = accumulating(device)
    [output] = stepper.step(slice(0, 3), [bytes(3 * 4)]).outputs
    assert output.shape == (3, 1) and device.rooms[-1].shape == (4, 1)
    assert np.shares_memory(output, device.rooms[-1])


class Fixed(Roomy):
    """All its runs have 16 rows."""

    def padded(self, rows: int) -> int:
        return -(-rows // 16) * 16


@pytest.mark.parametrize(("rows", "is_kept"), [(3, False), (8, True), (16, True)])
def test_who_keeps_few_outputs_does_not_keep_the_room_of_many(rows: int, is_kept: bool) -> None:
    device = Fixed()
    stepper = accumulating(device)
    [total] = stepper.step(slice(0, rows), [np.ones(rows, np.float32).tobytes()]).outputs
    assert total.tolist() == [[1.0]] * rows
    assert np.shares_memory(total, device.rooms[-1]) is is_kept


def test_inputs_of_another_size_are_refused() -> None:
    stepper = accumulating()
    for data in (b"", bytes(4), bytes(12)):
        with pytest.raises(ValueError, match="different structures"):
            stepper.take(slice(0, 2), [data])
