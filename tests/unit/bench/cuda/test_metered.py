"""Bytes are counted where they cross a bus, once each way."""

import numpy as np
import pytest

from bench.cuda.metered import Metered
from service.runtime.device import CPU, Device
from tests.unit.bench.cuda.given import Apart


@pytest.mark.parametrize(("device", "moved"), [(Apart(), 64), (CPU, 0)])
def test_every_way_over_the_bus_is_counted(device: Device, moved: int) -> None:
    metered = Metered(device)
    here, there = np.arange(4.0, dtype=np.float32), metered.zeros((4,), np.dtype(np.float32))
    metered.upload(here, there)
    metered.download(there, here)
    metered.fetch(metered.put(there))
    assert metered.moved == moved
    np.testing.assert_array_equal(there, [0, 1, 2, 3])


def test_runs_of_one_size_are_padded_to_it_or_to_a_multiple() -> None:
    assert [Metered(CPU, 8).padded(rows) for rows in (1, 8, 9)] == [8, 8, 16]
    assert Metered(CPU).padded(5) == 5


def test_runs_of_one_size_have_the_kernels_of_a_deterministic_device() -> None:
    assert Metered(CPU, 8).is_deterministic
    assert not Metered(CPU).is_deterministic
