"""Streams whose bits depend on their neighbours are counted."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bench.cuda import isolation
from bench.cuda.isolation import Differences, differences
from bench.cuda.metered import Metered
from bench.cuda.ours import proven
from bench.package import Network, write
from service.core.model import Array
from service.runtime.accumulator import accumulator_signature
from service.runtime.device import CPU
from service.runtime.stepper import Stepper
from tests.unit.bench.cuda.given import GRU


def test_a_stream_counts_once_whatever_of_it_differs() -> None:
    alone = np.ones((3, 4, 2), np.float32)
    together = np.ones((3, 6, 2), np.float32)
    together[:, 1] += 0.5
    together[2, 3, 1] -= 0.25
    together[0, 5] = 9.0  # which nobody has stepped alone
    assert differences(GRU, 6, together, alone) == Differences(GRU, 6, 4, 2, 0.5)


def test_the_sign_of_zero_is_a_bit() -> None:
    alone, together = np.zeros((1, 1, 1), np.float32), np.full((1, 1, 1), -0.0, np.float32)
    assert differences(GRU, 1, together, alone) == Differences(GRU, 1, 1, 1, 0.0)


def test_rows_that_the_service_runs_together_do_not_differ(tmp_path: Path) -> None:
    stepper = proven(write(tmp_path, GRU), Metered(CPU))
    found = isolation.measure(stepper, GRU, [1, 5])
    assert found == [Differences(GRU, 1, 1, 0, 0.0), Differences(GRU, 5, 5, 0, 0.0)]


def _mixing(feeds: Mapping[str, Array]) -> Sequence[Array]:
    """An accumulator that gives away how many rows there are."""
    total = feeds["sum"] + feeds["x"] + np.float32(0.125 * (len(feeds["x"]) > 1))
    return [total, total]


def test_rows_that_depend_on_their_number_differ() -> None:
    one = Network("one", "GRU", features=1, hidden=1)
    found = isolation.measure(Stepper(_mixing, accumulator_signature()), one, [1, 5])
    assert found[0] == Differences(one, 1, 1, 0, 0.0)
    assert (found[1].compared, found[1].differ) == (5, 5)
    assert abs(found[1].largest - 0.125 * isolation.TIMESTEPS) < 1e-5
