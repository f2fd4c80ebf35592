"""Ratios are those of neighbouring rounds, not of the medians."""

from bench.load import Round
from bench.ratios import CPU, P50, RATE, Pairs, ratio_of, spread


def _round(rate: float = 1000.0, cpu_us: float = 50.0) -> Round:
    return Round(rate=rate, p50_us=100.0, p99_us=200.0, cpu_us=cpu_us)


def test_a_drift_that_both_share_leaves_the_ratio_alone() -> None:
    pairs = Pairs(
        streams=64,
        floor=[_round(rate) for rate in (1000.0, 2000.0, 4000.0)],
        service=[_round(rate) for rate in (800.0, 1600.0, 3600.0)],
    )
    ratio = ratio_of(pairs, RATE)
    assert (ratio.ratio, ratio.min, ratio.max) == (0.8, 0.8, 0.9)


def test_the_unit_cost_of_a_rate_is_the_time_per_message() -> None:
    pairs = Pairs(streams=64, floor=[_round()], service=[_round(rate=20_000.0)])
    assert ratio_of(pairs, RATE).unit_cost_us == 50.0


def test_a_target_is_reached_from_its_own_side() -> None:
    floor, faster, slower = [_round(rate=1000.0)], [_round(rate=810.0)], [_round(rate=790.0)]
    assert ratio_of(Pairs(64, floor, faster), RATE).reached
    assert not ratio_of(Pairs(64, floor, slower), RATE).reached
    assert ratio_of(Pairs(1, floor, slower), P50).reached


def test_each_comparison_has_its_own_target() -> None:
    floor, dearer = [_round(cpu_us=50.0)], [_round(cpu_us=60.0)]
    store = Pairs(64, floor, dearer, what="sqlite", against="memory")
    paced = Pairs(64, floor, dearer, what="sqlite", against="memory", load=" at 1 Hz")
    assert ratio_of(store, CPU).target == 1.15 and not ratio_of(store, CPU).reached
    assert ratio_of(paced, CPU).target is None


def test_without_a_target_everything_is_reached() -> None:
    pairs = Pairs(streams=64, floor=[_round()], service=[_round(cpu_us=500.0)])
    ratio = ratio_of(pairs, CPU)
    assert ratio.ratio == 10.0 and ratio.target is None and ratio.reached


def test_the_spread_is_a_share_of_the_median() -> None:
    assert spread([_round(rate) for rate in (900.0, 1000.0, 1100.0)]) == 0.2


def test_busy_is_the_share_of_a_core() -> None:
    assert _round(rate=10_000.0, cpu_us=50.0).busy == 0.5
