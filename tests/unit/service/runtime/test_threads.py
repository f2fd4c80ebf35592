from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pytest

from service.core.counts import RowCounts, RowsReading
from service.core.model import Array
from service.core.run_cost import RunCost
from service.runtime.accumulator import accumulate, accumulator_signature
from service.runtime.plain import StepFunction
from service.runtime.spilling import SpillingArena
from service.runtime.stepper import Stepper
from service.runtime.threads import faster

INPUTS = (np.arange(32, dtype=np.float32).reshape(32, 1),)


def stepper(milliseconds: float, function: object = accumulate) -> Stepper:
    """One that takes so long for however many rows."""
    cost = RunCost(1e-3 * milliseconds, 0.0)
    return Stepper(function, accumulator_signature(), cost=cost)  # type: ignore[arg-type]


def nearly(feeds: Mapping[str, Array]) -> Sequence[Array]:
    total = np.nextafter(feeds["sum"] + feeds["x"], np.float32(np.inf))
    return [total, total]


def only_together(feeds: Mapping[str, Array]) -> Sequence[Array]:
    """Other bits in the new state, and for several rows only."""
    total = feeds["sum"] + feeds["x"]
    return [total, total if len(total) == 1 else total + np.float32(1)]


def test_a_long_run_takes_the_threads_that_make_it_faster() -> None:
    other = stepper(5.0)
    assert faster(stepper(10.0), lambda: other, INPUTS) is other


def test_threads_that_save_little_are_not_taken() -> None:
    assert faster(stepper(10.0), lambda: stepper(9.0), INPUTS) is None


def test_a_short_run_is_not_even_tried() -> None:
    def several() -> Stepper:
        raise AssertionError("it was loaded again")

    assert faster(stepper(0.5), several, INPUTS) is None


@pytest.mark.parametrize("function", [nearly, only_together])
def test_threads_that_change_a_bit_are_not_taken(function: object) -> None:
    assert faster(stepper(10.0), lambda: stepper(1.0, function), INPUTS) is None


@pytest.mark.parametrize(("function", "same"), [(accumulate, True), (only_together, False)])
def test_what_is_tried_leaves_no_trace_in_what_keeps_the_states_of_streams(
    function: StepFunction, same: bool
) -> None:
    few = partial(SpillingArena, rows=4, max_batch=4)
    alone, other = (
        Stepper(each, accumulator_signature(), cost=RunCost(cost, 0.0), states=few)
        for each, cost in ((accumulate, 0.01), (function, 0.001))
    )
    assert (faster(alone, lambda: other, INPUTS, max_batch=4) is other) == same
    for stepper in (alone, other):
        assert stepper.reading() == RowsReading(rows=4, used=0, counts=RowCounts())
