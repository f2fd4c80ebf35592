"""Figures and verdicts as the page shows them."""

from bench.cuda import figures, tables
from bench.cuda.isolation import Differences
from bench.cuda.measuring import Findings
from bench.cuda.steps import BARE, NAIVE, OURS, TORCH, Measured, Taken
from bench.load import Round
from bench.package import LARGE
from service.runtime.stepper import Batching
from tests.unit.bench.cuda.given import GRU


def _taken(p50: float, bus_bytes: int = 0) -> Taken:
    return Taken([Round(4096 / p50 * 1e6, p50, p50 + 1, 1.0)], bus_bytes)


_MEASURED = Measured(
    LARGE,
    4096,
    {
        OURS: _taken(1300.0, 1000),
        TORCH: _taken(1000.0),
        BARE: _taken(800.0),
        NAIVE: _taken(7800.0, 9000),
    },
)


def test_a_line_says_how_long_each_side_takes() -> None:
    assert tables.steps([_MEASURED]).splitlines()[2] == (
        "| 4,096 | 3,150,769 | 1,300.0 µs | 1,301.0 µs | 1,000.0 µs | 1.30 | 800.0 µs "
        "| 7,800.0 µs | 6.00 | 1,000 | 9,000 |"
    )


def test_verdicts_stand_first_and_only_of_a_device() -> None:
    found = Findings(steps=[_MEASURED])
    shown = figures.markdown(found, asked=True)
    assert shown.startswith("### What was asked\n\n| ")
    assert "| LSTM 2 × 512, 4,096 streams: step p50 | torch | ≤ 1.2 | 1.30 | NOT REACHED |" in shown
    assert "| LSTM 2 × 512, 4,096 streams: steps/s | naive arena | ≥ 5 | 6.00 | reached |" in shown
    assert "What was asked" not in figures.markdown(found, asked=False)


def test_differences_are_counted_and_the_largest_is_told() -> None:
    found = [Differences(GRU, 4096, 256, 12, 1.5e-7), Differences(GRU, 4, 4, 0, 0.0)]
    assert tables.differences(found).splitlines()[2:] == [
        "| GRU 3→4 | 4,096 | 12 of 256 | 1.5e-07 |",
        "| GRU 3→4 | 4 | 0 of 4 | none |",
    ]


def test_how_the_service_runs_a_model_is_told_of_every_way() -> None:
    for batching in Batching:
        found = Findings(batching=[(GRU, batching)], isolation=[Differences(GRU, 4, 4, 0, 0.0)])
        shown = figures.markdown(found, asked=True)
        assert "\n\nSo the service runs a GRU 3→4 " in shown and shown.endswith(".")


def test_what_was_not_measured_has_no_section() -> None:
    assert figures.markdown(Findings(), asked=True) == ""
    assert list(figures.ratios(Findings(), asked=True)) == []
