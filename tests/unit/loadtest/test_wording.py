"""Figures in words."""

from __future__ import annotations

import pytest

from loadtest import wording


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0 µs"),
        (842e-6, "842 µs"),
        (999.6e-6, "1.00 ms"),
        (3.07e-3, "3.07 ms"),
        (45.21e-3, "45.2 ms"),
        (0.9996, "1.00 s"),
        (125.0, "125 s"),
    ],
)
def test_durations_have_three_digits(seconds: float, words: str) -> None:
    assert wording.duration(seconds) == words


def test_marks_of_an_axis_are_round() -> None:
    ticks = [wording.tick(value) for value in (5e-7, 2e-4, 1e-3, 0.05, 1.0, 20.0)]
    assert ticks == ["0.5 µs", "200 µs", "1 ms", "50 ms", "1 s", "20 s"]


def test_a_share_that_is_not_none_does_not_read_as_none() -> None:
    shares = [wording.share(value) for value in (0, 0.00001, 0.0123, 0.5, 1)]
    assert shares == ["0%", "< 0.01%", "1.23%", "50.0%", "100.0%"]


def test_rates_are_as_exact_as_one_reads_them() -> None:
    rates = [wording.rate(value) for value in (0.125, 12.5, 320.0, 1280.4, 20000)]
    assert rates == ["0.12/s", "12.5/s", "320/s", "1,280/s", "20,000/s"]


def test_one_is_no_plural() -> None:
    told = [wording.counted(count, "stream") for count in (0, 1, 2, 1024)]
    assert told == ["0 streams", "1 stream", "2 streams", "1,024 streams"]


def test_a_clock_does_not_run_backwards() -> None:
    assert [wording.clock(value) for value in (-1.0, 0.0, 59.9, 61.0)] == [
        "0:00",
        "0:00",
        "0:59",
        "1:01",
    ]
