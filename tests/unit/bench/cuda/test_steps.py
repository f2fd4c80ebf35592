"""What is asked of a step, and where."""

from bench.cuda import steps
from bench.cuda.steps import BARE, NAIVE, OURS, TORCH, Measured, Taken
from bench.load import Round
from bench.package import LARGE, SMALL, Network
from bench.ratios import Row


def _measured(network: Network, rows: int, ours_us: float, moved: int = 0) -> Measured:
    def taken(p50: float, bus_bytes: int = 0) -> Taken:
        return Taken([Round(rows / p50 * 1e6, p50, 2 * p50, 1.0)], bus_bytes)

    floors = {TORCH: taken(100.0), BARE: taken(50.0), NAIVE: taken(600.0, 10 * moved)}
    return Measured(network, rows, {OURS: taken(ours_us, moved), **floors})


def _asked(measured: Measured) -> list[Row]:
    return [row for row in steps.rows_of(measured, asked=True) if row.goal]


def test_torch_is_the_measure_from_a_thousand_streams_on() -> None:
    assert _asked(_measured(SMALL, 256, 110.0)) == []
    (over_torch,) = _asked(_measured(SMALL, 1024, 119.0))
    assert over_torch.against == TORCH and over_torch.ratio == 1.19 and over_torch.reached
    (over_torch,) = _asked(_measured(SMALL, 1024, 121.0))
    assert not over_torch.reached


def test_the_naive_arena_is_left_behind_at_one_load() -> None:
    for network, rows, asked in ((LARGE, 4096, True), (LARGE, 1024, False), (SMALL, 4096, False)):
        against = [row.against for row in _asked(_measured(network, rows, 110.0))]
        assert (NAIVE in against) is asked
    (_, over_naive) = _asked(_measured(LARGE, 4096, 110.0))
    assert over_naive.reached
    (_, over_naive) = _asked(_measured(LARGE, 4096, 130.0))
    assert not over_naive.reached


def test_nothing_is_asked_of_a_host() -> None:
    rows = steps.rows_of(_measured(LARGE, 4096, 500.0), asked=False)
    assert all(row.goal is None for row in rows)


def test_bytes_are_compared_where_some_cross_the_bus() -> None:
    def moved(measured: Measured) -> list[float]:
        found = steps.rows_of(measured, asked=True)
        return [row.ratio for row in found if "bytes" in row.quantity]

    assert moved(_measured(SMALL, 4, 100.0)) == []
    assert moved(_measured(SMALL, 4, 100.0, moved=80)) == [0.1]
