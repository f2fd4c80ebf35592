"""When steps are due."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.load import Load
from loadtest.schedule import Arrival, arrivals, joins
from tests.loads import load


def times(load: Load, stream: int) -> list[float]:
    return [arrival.at for arrival in arrivals(load, [stream])]


def test_even_streams_share_the_period() -> None:
    made = list(arrivals(load(streams=4, rate=10.0, ramp=0.0, duration=0.2), range(4)))
    assert [arrival.stream for arrival in made] == [0, 1, 2, 3, 0, 1, 2, 3]
    assert [arrival.at for arrival in made] == pytest.approx([0.025 * place for place in range(8)])


def test_together_is_at_the_same_moment() -> None:
    made = list(arrivals(load(rate=10.0, ramp=0.0, duration=0.2, arrivals="together"), range(4)))
    assert [arrival.at for arrival in made] == pytest.approx([0.0] * 4 + [0.1] * 4)


def test_a_step_knows_when_the_next_is_due_and_so_does_the_last() -> None:
    made = list(arrivals(load(rate=10.0, ramp=0.0, duration=0.3), [0]))
    assert [arrival.following for arrival in made] == pytest.approx([0.1, 0.2, 0.3])


def test_streams_begin_one_after_another_over_the_ramp() -> None:
    of_ramp = load(streams=4, rate=10.0, ramp=1.0)
    assert [joins(of_ramp, stream) for stream in range(4)] == [-1.0, -0.75, -0.5, -0.25]
    assert [times(of_ramp, stream)[0] for stream in range(4)] == pytest.approx(
        [-1.0, -0.675, -0.45, -0.225]
    )


def test_the_ramp_does_not_change_the_phases_behind_it() -> None:
    with_ramp = [a for a in arrivals(load(ramp=1.7), range(4)) if a.at >= 0]
    without = list(arrivals(load(ramp=0.0), range(4)))
    assert [arrival.stream for arrival in with_ramp] == [arrival.stream for arrival in without]
    assert [a.at for a in with_ramp] == pytest.approx([a.at for a in without])


def test_poisson_arrivals_have_the_rate_and_exponential_gaps() -> None:
    asked = load(arrivals="poisson", rate=100.0, duration=200.0, ramp=0.0)
    at = times(asked, 1)
    gaps = [later - earlier for earlier, later in pairwise(at)]
    mean = sum(gaps) / len(gaps)
    assert mean == pytest.approx(0.01, rel=0.05)
    # The deviation of an exponential distribution is its mean.
    deviation = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    assert deviation == pytest.approx(mean, rel=0.05)


def test_a_seed_gives_the_same_arrivals_and_another_gives_others() -> None:
    def of_seed(seed: int) -> list[float]:
        return times(load(arrivals="poisson", seed=seed), 2)

    assert of_seed(1) == of_seed(1) != of_seed(2)


def test_the_first_of_each_stream_in_a_closed_loop() -> None:
    made = list(arrivals(load(rate=None, streams=2, ramp=1.0), range(2)))
    assert made == [Arrival(-1.0, 0, math.inf), Arrival(-0.5, 1, math.inf)]


@given(
    streams=st.integers(1, 40),
    rate=st.floats(0.1, 50.0),
    ramp=st.floats(0.0, 3.0),
    processes=st.integers(1, 5),
    kind=st.sampled_from(["even", "poisson", "together"]),
)
def test_the_processes_share_the_arrivals_of_one(
    streams: int, rate: float, ramp: float, processes: int, kind: str
) -> None:
    asked = load(streams=streams, rate=rate, ramp=ramp, arrivals=kind, duration=1.0)
    alone = list(arrivals(asked, range(streams)))
    shared = [
        arrival
        for first in range(processes)
        for arrival in arrivals(asked, range(first, streams, processes))
    ]
    assert sorted(shared) == alone == sorted(alone)
    assert all(-ramp - 1e-9 <= arrival.at < 1.0 for arrival in alone)
