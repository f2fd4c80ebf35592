from __future__ import annotations

import pytest

from service.core.admission import StepCost, admit
from service.core.errors import NoCapacity


def test_a_rate_that_fits_beside_the_promised_ones_is_admitted() -> None:
    admit(rate_hz=500.0, step_seconds=1e-3, promised=0.3, max_utilization=0.8)


def test_a_rate_that_does_not_fit_is_told_what_is_left() -> None:
    with pytest.raises(NoCapacity, match=r"takes 1000 us here, and 50\.0% .* left, for 500\.0 Hz"):
        admit(rate_hz=501.0, step_seconds=1e-3, promised=0.3, max_utilization=0.8)


def test_where_nothing_is_left_nothing_is_left() -> None:
    with pytest.raises(NoCapacity, match=r"0\.0% of the processor is left, for 0\.0 Hz"):
        admit(rate_hz=1.0, step_seconds=1e-3, promised=0.9, max_utilization=0.8)


def test_a_stream_that_declares_nothing_is_always_admitted() -> None:
    admit(rate_hz=0.0, step_seconds=1e-3, promised=2.0, max_utilization=0.8)


def test_a_cost_follows_what_was_measured_since() -> None:
    cost = StepCost(first_guess=100.0)
    cost.observe(spent=2.0 * 1000, steps=1000)
    assert cost.seconds == 51.0
    cost.observe(spent=2.0 * 1000 + 1.0 * 1000, steps=2000)
    assert cost.seconds == 26.0


def test_a_few_steps_change_no_cost() -> None:
    cost = StepCost(first_guess=1.0)
    cost.observe(spent=1000.0, steps=10)
    assert cost.seconds == 1.0
