"""From demand to cores and Redis, worked by hand."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.scaling import sizing
from bench.scaling.constants import LARGE, SMALL
from bench.scaling.costs import serving
from bench.scaling.sizing import Demand, Loaded
from tests.unit.bench.scaling.given import CONSTANTS


def test_a_stream_is_saved_once_a_round_at_most() -> None:
    assert Demand(100, 50.0, interval=0.1).checkpoints_hz == 1000
    assert Demand(100, 2.0, interval=0.1).checkpoints_hz == 200
    assert Demand(100, 50.0).checkpoints_hz == 0


def test_a_step_in_full_turns_by_hand() -> None:
    assert sizing.step_us(CONSTANTS, SMALL) == pytest.approx((60 + 256 * 32) / 256)
    assert sizing.step_us(CONSTANTS, SMALL, 256) == pytest.approx((60 + 100 + 256 * 2.5) / 256)


def test_a_core_holds_what_fits_in_its_share() -> None:
    cost = 1e6 / serving(CONSTANTS, SMALL).saturated_hz
    held = sizing.held(CONSTANTS, SMALL, Demand(1, 50.0))
    assert held == int(sizing.SHARE * 1e6 / (50 * cost))
    saved = sizing.held(CONSTANTS, SMALL, Demand(1, 50.0, interval=0.1))
    assert saved == int(sizing.SHARE * 1e6 / (50 * cost + 10 * 20))


def test_a_message_longer_than_its_period_is_held_nowhere() -> None:
    # A message of 256 entries takes 100 + 256 · 10 µs and more.
    assert sizing.held(CONSTANTS, LARGE, Demand(1, 1000.0), entries=256) == 0


def test_no_more_are_held_than_are_answered_within_their_period() -> None:
    """By their cost 8 fit at 2 kHz; in turns of half a millisecond they would wait for two."""
    by_cost = int(sizing.SHARE * serving(CONSTANTS, LARGE).saturated_hz / 2000)
    assert by_cost == 8
    assert 0 < sizing.held(CONSTANTS, LARGE, Demand(1, 2000.0)) < by_cost


@settings(max_examples=10, deadline=None)
@given(st.sampled_from([1.0, 20.0, 500.0]), st.sampled_from([1, 16]))
def test_who_is_saved_or_sends_more_often_is_held_less(rate: float, entries: int) -> None:
    plain = sizing.held(CONSTANTS, SMALL, Demand(1, rate), entries)
    assert sizing.held(CONSTANTS, SMALL, Demand(1, rate, 0.1), entries) <= plain
    assert sizing.held(CONSTANTS, SMALL, Demand(1, 2 * rate), entries) <= plain


def test_redis_by_hand() -> None:
    need = sizing.redis(CONSTANTS, SMALL, Demand(100_000, 50.0, interval=1.0))
    # 100,000 checkpoints/s of 25 µs on cores used by half, 5,000 bytes each.
    assert need == sizing.Redis(100_000, 5, 100_000 * 5608, 8 * 100_000 * 5000)


def test_memory_by_hand() -> None:
    assert sizing.memory_bytes(CONSTANTS, SMALL, 10) == 10 * (30_000 + 4_608)
    assert sizing.memory_bytes(CONSTANTS, LARGE, 10, entries=64) == 10 * (2_000 + 10_240)


def test_the_higher_the_load_the_longer_the_wait_and_the_larger_the_turns() -> None:
    curve = sizing.loaded(CONSTANTS, SMALL)
    assert [each.share for each in curve] == list(sizing.SHARES)
    for less, more in pairwise(curve):
        assert more.batch > less.batch
        assert more.p99_us > less.p99_us


def _loaded(share: float, p99_us: float) -> Loaded:
    return Loaded(share, rate=1.0, busy=1.0, batch=1.0, p50_us=1.0, p99_us=p99_us)


def test_the_highest_load_that_keeps_to_the_target() -> None:
    curve = [_loaded(0.1, 200.0), _loaded(0.5, 400.0), _loaded(0.9, 3000.0)]
    assert sizing.share(curve, 400.0) == 0.5
    assert sizing.share(curve, 100.0) is None
