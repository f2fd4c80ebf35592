"""A turn costs what its parts cost, and less per message the more messages share it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.scaling.constants import LARGE, SMALL
from bench.scaling.costs import MAX_BATCH, Costs, arithmetic_us, loading, serving
from tests.unit.bench.scaling.given import CONSTANTS

_COSTS = st.builds(
    Costs,
    turn_us=st.floats(0.0, 500.0),
    cold_us=st.floats(0.0, 500.0),
    message_us=st.floats(0.1, 500.0),
    run_us=st.floats(0.0, 500.0),
)
_MESSAGES = st.integers(1, MAX_BATCH - 1)


def test_a_turn_of_single_steps_by_hand() -> None:
    costs = serving(CONSTANTS, SMALL)
    assert costs.of(1) == 50 + 30 + 10 + 2
    assert costs.of(4) == 50 + 10 + 4 * (30 + 2)


def test_a_turn_after_idleness_is_dearer_up_to_a_millisecond_of_it() -> None:
    costs = serving(CONSTANTS, SMALL)
    warm = costs.of(1)
    assert costs.of(1, idle_us=250.0) == warm + 10
    assert costs.of(1, idle_us=1_000.0) == costs.of(1, idle_us=1e9) == warm + 40


def test_a_message_of_a_fleet_by_hand() -> None:
    costs = serving(CONSTANTS, SMALL, entries=64)
    assert costs.most == 4
    assert costs.of(1) == 50 + 10 + 100 + 64 * (0.5 + 2)


def test_a_fleet_larger_than_a_run_takes_several() -> None:
    costs = serving(CONSTANTS, SMALL, entries=512)
    assert costs.most == 1
    assert costs.of(1) == 50 + 2 * 10 + 100 + 512 * 2.5


def test_at_its_limit_every_turn_is_full() -> None:
    costs = serving(CONSTANTS, LARGE)
    assert costs.saturated_hz == pytest.approx(256e6 / (150 + 256 * 40))


def test_rows_beyond_a_run_begin_another() -> None:
    small = CONSTANTS.arithmetic[SMALL]
    assert arithmetic_us(small, 256) == 10 + 512
    assert arithmetic_us(small, 257) == 20 + 514


def test_the_client_is_a_station_of_its_own() -> None:
    assert loading(CONSTANTS.client).of(3) == 20 + 3 * 10


@given(_COSTS, _MESSAGES, st.floats(0.0, 5_000.0), st.floats(0.0, 5_000.0))
def test_more_messages_and_more_idleness_never_cost_less(
    costs: Costs, messages: int, idle: float, more: float
) -> None:
    assert costs.of(messages + 1, idle) > costs.of(messages, idle)
    assert costs.of(messages, idle + more) >= costs.of(messages, idle)


@given(_COSTS, _MESSAGES)
def test_a_message_never_costs_more_in_company(costs: Costs, messages: int) -> None:
    alone, together = costs.of(messages) / messages, costs.of(messages + 1) / (messages + 1)
    assert together <= alone * (1 + 1e-12)
