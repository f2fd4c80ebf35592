"""A round of checkpoints is timed both ways."""

from pathlib import Path

import pytest

from bench.cuda import saving
from bench.cuda.metered import Metered
from bench.cuda.ours import proven
from bench.package import write
from service.runtime.device import CPU
from tests.unit.bench.cuda.given import GRU


def test_medians_of_rounds_are_told_in_milliseconds(tmp_path: Path) -> None:
    stepper = proven(write(tmp_path, GRU), Metered(CPU))
    moments = iter([0.0, 0.001, 0.006, 1.0, 1.009, 1.010, 2.0, 2.002, 2.008])
    found = saving.measure(stepper, GRU, 3, rounds=3, clock=lambda: next(moments))
    assert (found.network, found.streams) == (GRU, 3)
    assert found.together_ms == pytest.approx(2.0)
    assert found.one_by_one_ms == pytest.approx(5.0)
