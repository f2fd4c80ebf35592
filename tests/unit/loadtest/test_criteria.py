"""Criteria as they are written."""

from __future__ import annotations

import pytest

from loadtest.criteria import BadCriterion, criterion
from tests.loads import interval, outcome

RUN = outcome(
    interval([0.001] * 98 + [0.003], errors={"RunFailed": 1}, misses=2, batches={2: 40, 4: 60}),
    interval([0.002] * 100, lateness=[0.0] * 99 + [0.002]),
)
"""200 steps within 0.5 s."""


@pytest.mark.parametrize(
    ("text", "measured"),
    [
        ("p49<1ms", 0.001),
        ("p99.9 > 2500us", 0.003),
        ("P100<=1s", 0.003),
        ("median<1ms", 0.002),
        ("max<5ms", 0.003),
        ("mean<5ms", (0.098 + 0.003 + 0.2) / 199),
        ("rate<1000", 398.0),
        ("rate>=1e3/s", 398.0),
        ("errors>0", 1),
        ("errors>1%", 0.005),
        ("miss>5", 2),
        ("misses>1%", 0.01),
        ("late>1%", 0.01),
        ("batch<4", 100 / (40 / 2 + 60 / 4)),
    ],
)
def test_each_measure_is_of_the_run(text: str, measured: float) -> None:
    assert criterion(text).measured(RUN) == pytest.approx(measured, rel=2e-3)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("p49<=1ms", True),
        ("p49>1ms", False),
        ("max>2999us", True),
        ("max<0.002s", False),
        ("errors<=0.5%", True),
        ("errors<0.5%", False),
        ("rate>=398", True),
        ("miss>0.9%", True),
    ],
)
def test_a_limit_is_compared_in_its_unit(text: str, holds: bool) -> None:
    assert criterion(text).holds(RUN) is holds


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("p99", "'p99' is not a measure, < or >, and a limit"),
        ("p99=5ms", "is not a measure, < or >, and a limit"),
        ("p99<5", "a latency has a unit, us, ms or s"),
        ("p99<5%", "a latency has a unit"),
        ("p101<5ms", "there is no measure 'p101'"),
        ("speed>3", "there is no measure 'speed'; there is p50, p99"),
        ("rate<5ms", "the unit of rate is none, or /s, not 'ms'"),
        ("errors>1ms", "the unit of errors is none, or %"),
        ("batch>1%", "the unit of batch is none, not '%'"),
        ("late>3", "the unit of late is %"),
        ("p99<1.2.3ms", "1.2.3 is no number"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, told: str) -> None:
    with pytest.raises(BadCriterion) as refused:
        criterion(text)
    assert told in str(refused.value)


def test_what_was_not_measured_holds_nothing() -> None:
    closed = outcome(interval([0.001]), rate=None)
    assert not criterion("miss<100%").holds(closed)
    assert not criterion("p99<1s").holds(outcome(interval()))
    assert criterion("batch>1").told(outcome(interval([0.1]))) == "batch is not measured"


def test_a_measure_is_told_in_its_unit() -> None:
    told = [criterion(text).told(RUN) for text in ("p99<1ms", "miss>1%", "errors>0", "rate>1")]
    assert told == ["p99 is 2.00 ms", "miss is 1.00%", "errors is 1", "rate is 398/s"]
