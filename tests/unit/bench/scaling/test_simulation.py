"""The simulated core obeys what queueing theory knows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.scaling.costs import Costs
from bench.scaling.simulation import Sides, closed_loop, open_loop, periodic, poisson

_SERVER = Costs(turn_us=50.0, cold_us=0.0, message_us=30.0, run_us=20.0)


def test_a_lone_closed_loop_waits_for_nobody() -> None:
    sides = Sides(_SERVER, Costs(20.0, 0.0, 10.0), wire_us=15.0)
    outcome = closed_loop(sides, 1, seconds=0.5)
    assert outcome.trips == pytest.approx(100 + 30 + 15)
    assert set(outcome.batches) == {1}


def test_a_lone_periodic_stream_waits_for_nobody() -> None:
    outcome = open_loop(Sides(_SERVER), periodic(1, 100.0, 2.0).tolist(), 2.0)
    assert outcome.trips == pytest.approx(100.0)
    assert outcome.busy == pytest.approx(100 * 100e-6, rel=0.02)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.floats(1.0, 100.0), st.floats(10.0, 150.0), st.integers(0, 9))
def test_the_core_is_busy_for_rate_times_cost(
    calls: int, rate: float, cost: float, seed: int
) -> None:
    """Where a turn costs nothing but its messages, however they share turns."""
    server = Costs(turn_us=0.0, cold_us=0.0, message_us=cost)
    seconds = 40 / rate
    outcome = open_loop(Sides(server), periodic(calls, rate, seconds, seed).tolist(), seconds)
    assert outcome.busy == pytest.approx(calls * rate * cost * 1e-6, rel=0.05)
    assert outcome.server_us == pytest.approx(cost, rel=1e-6)


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_the_mean_wait_is_that_of_a_queue_with_fixed_service(load: float) -> None:
    """M/D/1: load · service / 2 (1 - load) (A. Y. Khinchin, 1932)."""
    service, seconds = 100.0, 20.0
    rate = load / service * 1e6
    one_by_one = Costs(turn_us=0.0, cold_us=0.0, message_us=service, most=1)
    outcome = open_loop(Sides(one_by_one), poisson(rate, seconds).tolist(), seconds)
    wait = outcome.trips.mean() - service
    assert wait == pytest.approx(load * service / (2 * (1 - load)), rel=0.1)


def test_what_came_during_a_turn_is_the_next_turn() -> None:
    arrivals = [1e6, 1e6 + 10, 1e6 + 20, 1e6 + 30, 2e6]
    outcome = open_loop(Sides(_SERVER), arrivals, 3.0)
    assert outcome.batches.tolist() == [1, 3, 1]


def test_answers_of_a_turn_leave_one_after_another() -> None:
    outcome = open_loop(Sides(_SERVER), [1e6] * 3, 2.0)
    # 50 + 20 + 3 · 30; half of a message's cost is its answer.
    assert outcome.trips.tolist() == [130.0, 145.0, 160.0]


def test_a_turn_takes_no_more_than_it_may() -> None:
    server = Costs(turn_us=50.0, cold_us=0.0, message_us=30.0, most=4)
    assert open_loop(Sides(server), [1e6] * 10, 2.0).batches.tolist() == [4, 4, 2]


def test_a_server_that_slept_works_longer() -> None:
    server = Costs(turn_us=50.0, cold_us=40.0, message_us=30.0)
    outcome = open_loop(Sides(server), [1e6, 1e6 + 80 + 500], 2.0)
    assert outcome.trips.tolist() == [120.0, pytest.approx(80 + 40 * 0.46)]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 60))
def test_a_closed_loop_without_a_client_fills_each_turn(calls: int) -> None:
    """Each answer is the next step: the core never rests, and its costs set the rate."""
    server = Costs(turn_us=100.0, cold_us=0.0, message_us=0.0)
    outcome = closed_loop(Sides(server), calls, seconds=0.1)
    assert outcome.busy == pytest.approx(1.0, rel=0.02)
    assert outcome.rate == pytest.approx(calls / 100e-6, rel=0.02)


def test_the_slower_side_of_a_closed_loop_sets_its_rate() -> None:
    slow_client = Costs(turn_us=0.0, cold_us=0.0, message_us=200.0)
    outcome = closed_loop(Sides(_SERVER, slow_client), 16, seconds=1.0)
    assert outcome.rate == pytest.approx(5_000, rel=0.02)


def test_little_s_law_holds_of_a_closed_loop() -> None:
    """Calls = rate · round trip (J. D. C. Little, 1961)."""
    sides = Sides(_SERVER, Costs(20.0, 0.0, 40.0), wire_us=-10.0)
    outcome = closed_loop(sides, 24, seconds=2.0)
    assert outcome.rate * outcome.trips.mean() * 1e-6 == pytest.approx(24, rel=0.03)


def test_periodic_calls_come_once_a_period_each() -> None:
    arrivals = periodic(7, 10.0, 3.0, seed=4)
    assert len(arrivals) == 7 * 30
    first = arrivals[:7]
    assert first.min() >= 0 and first.max() < 1e5
    assert np.diff(arrivals.reshape(30, 7), axis=0) == pytest.approx(1e5)


def test_messages_that_know_nothing_of_each_other_keep_their_mean_rate() -> None:
    gaps = np.diff(poisson(1000.0, 20.0))
    assert gaps.mean() == pytest.approx(1000.0, rel=0.05)
    assert gaps.std() == pytest.approx(1000.0, rel=0.05)
