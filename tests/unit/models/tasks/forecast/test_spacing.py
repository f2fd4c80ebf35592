"""The step of a time column, and the season that follows from it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.tasks.forecast.spacing import Months, Step, season_of, step_of
from models.tasks.forecast.table import Unusable
from tests.unit.models.tasks.forecast.made import dates, table

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FOUR_WEEKS = dates(40, date(2021, 1, 4), step=28)
"""A February of 28 days makes one of the steps a month too."""
THIRTY_DAYS = dates(60, date(2023, 1, 1), step=30)


def step(*cells: str) -> Step:
    return step_of(table("when", *cells), "when")


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (dates(5), DAY),
        (["20240228", "20240229", "20240301"], DAY),
        (dates(5, step=7), 7 * DAY),
        (FOUR_WEEKS, 28 * DAY),
        (THIRTY_DAYS, 30 * DAY),
        (["2024-01-01 22:00", "2024-01-01 23:00", "2024-01-02 00:00"], HOUR),
        (["2024-01-01T00:00:00Z", "2024-01-01T00:15:00Z"], HOUR / 4),
        (["2024-03-31T01:00+01:00", "2024-03-31T03:00+02:00"], HOUR),
        (["2023-12", "2024-01", "2024-02"], Months(1)),
        (["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"], Months(1)),
        (["2024-01-15", "2024-04-15", "2024-07-15"], Months(3)),
        (["3", "4", "5"], 1.0),
        (["0.1", "0.2", "0.3", "0.4"], pytest.approx(0.1)),
        (["1700000000", "1700000060"], 60.0),
    ],
)
def test_the_step_is_that_of_the_rows(cells: list[str], expected: Step) -> None:
    assert step(*cells) == expected


@given(
    start=st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)),
    seconds=st.integers(1, 20 * 86_400),
    count=st.integers(3, 30),
)
def test_any_even_step_below_a_month_is_found(start: datetime, seconds: int, count: int) -> None:
    even = timedelta(seconds=seconds)
    assert step(*((start + place * even).isoformat() for place in range(count))) == even


@pytest.mark.parametrize(
    ("spacing", "season"),
    [
        (DAY, 7),
        (HOUR, 24),
        (HOUR / 4, 96),
        (7 * DAY, 52),
        (Months(1), 12),
        (Months(3), 4),
        (Months(2), None),
        (7 * HOUR, None),
        (timedelta(minutes=7), None),
        (1.0, None),
    ],
)
def test_the_season_follows_from_the_step(spacing: Step, season: int | None) -> None:
    assert season_of(spacing) == season


ORDER = ": give every step one row, in the order of time"


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (
            ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-05"],
            "t.csv, line 5, column 'when': 2024-01-05 follows 2024-01-03, where most rows are "
            f"1 day apart{ORDER}",
        ),
        (
            ["2024-01-01", "2024-01-02", "2024-01-02", "2024-01-03"],
            "t.csv, line 4, column 'when': 2024-01-02 repeats 2024-01-02, where most rows are "
            f"1 day apart{ORDER}",
        ),
        (
            ["2024-01-01", "2024-01-02", "2024-01-01", "2024-01-02"],
            "t.csv, line 4, column 'when': 2024-01-01 comes after the later 2024-01-02, where most "
            f"rows are 1 day apart{ORDER}",
        ),
        (
            ["2024-01-03", "2024-01-02", "2024-01-01"],
            "t.csv, line 3, column 'when': 2024-01-02 comes after the later 2024-01-03" + ORDER,
        ),
        (
            ["5", "5", "5"],
            "t.csv, line 3, column 'when': 5 repeats 5" + ORDER,
        ),
        (
            ["1", "2", "3", "4.5"],
            f"t.csv, line 5, column 'when': 4.5 follows 3, where most rows are 1 apart{ORDER}",
        ),
        (
            ["2024-01", "2024-02", "2024-04", "2024-05"],
            "t.csv, line 4, column 'when': 2024-04 follows 2024-02, where most rows are 1 month "
            f"apart{ORDER}",
        ),
        (
            ["2024-01-01", "soon"],
            "t.csv, line 3, column 'when': 'soon' is neither an ISO date or time nor a number: "
            "mend it, or name another column as time",
        ),
        (
            ["1", "nan"],
            "t.csv, line 3, column 'when': 'nan' is neither an ISO date or time nor a number: "
            "mend it, or name another column as time",
        ),
        (
            ["2024-01-01", "2"],
            "t.csv, line 3, column 'when': 2 is a number, the first row's 2024-01-01 a time "
            "without a zone: write all times alike",
        ),
        (
            ["2024-01-01T00:00", "2024-01-01T01:00Z"],
            "t.csv, line 3, column 'when': 2024-01-01T01:00Z is a time with a zone, the first "
            "row's 2024-01-01T00:00 a time without a zone: write all times alike",
        ),
        (["2024-01-01"], "t.csv has a single row, and so no step in time"),
    ],
)
def test_the_first_row_out_of_step_is_named(cells: list[str], message: str) -> None:
    with pytest.raises(Unusable) as refused:
        step(*cells)
    assert str(refused.value) == message


def test_a_clock_put_back_is_no_repetition_where_times_have_zones() -> None:
    utc = [datetime(2024, 10, 26, hour, tzinfo=UTC) for hour in range(20, 24)]
    zones = (timezone(2 * HOUR), timezone(2 * HOUR), timezone(HOUR), timezone(HOUR))
    local = [moment.astimezone(zone) for moment, zone in zip(utc, zones, strict=True)]
    assert step(*(moment.isoformat() for moment in local)) == HOUR
