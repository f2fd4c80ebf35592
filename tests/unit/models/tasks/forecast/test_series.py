"""What is read, what is predicted, and that nothing held out is trained on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.tasks.forecast.series import (
    LEAST_HELD_OUT,
    LEAST_TRAINING,
    ahead,
    features,
    predicted_by,
    series,
)
from models.tasks.forecast.table import Unusable
from tests.unit.models.tasks.forecast.made import counted, daily, dates, table


def test_the_truth_at_a_row_is_the_next_values() -> None:
    truth = ahead(np.arange(6, dtype=np.float32), 2)
    assert truth.tolist() == [[1, 2], [2, 3], [3, 4], [4, 5]]


@given(count=st.integers(90, 400), horizon=st.integers(1, 30), season=st.integers(1, 30))
def test_truth_for_training_ends_where_truth_for_scoring_begins(
    count: int, horizon: int, season: int
) -> None:
    try:
        made = counted(count, horizon, season)
    except Unusable:
        return
    trained = ahead(made.values[: made.split], horizon)
    scored = ahead(made.values, horizon)[made.scored]
    assert trained.max() == made.split - 1 and scored.min() == made.split
    assert scored.max() == count - 1
    assert len(trained) >= LEAST_TRAINING and len(scored) >= LEAST_HELD_OUT
    assert 0.8 * count - 1 < made.split <= 0.8 * count


def test_left_to_itself_it_takes_the_first_column_as_time_and_reads_all_numbers() -> None:
    rows = (f"{day},{place},shop,{place % 5}" for place, day in enumerate(dates(90)))
    made = series(table("day,count,name,kind", *rows), predict="kind", horizon=2)
    assert (made.read, made.predict, made.season) == (("count", "kind"), "kind", 7)
    assert made.times[0] == "2024-01-01"
    assert made.inputs[4].tolist() == [4, 4] and made.values[4] == 4


def test_columns_are_read_in_the_order_of_their_names() -> None:
    rows = (f"{place % 7},{place},{place % 3}" for place in range(90))
    made = series(
        table("a,t,b", *rows), time="t", read=("b", "a"), predict="a", horizon=1, season=7
    )
    assert made.inputs[5].tolist() == [2, 5]


def test_a_single_column_of_numbers_is_the_one_to_predict() -> None:
    assert series(daily(np.arange(90)), horizon=1).predict == "value"


@pytest.mark.parametrize("horizon", [1, 2, 12])
def test_the_predicted_column_is_told_by_the_outputs(horizon: int) -> None:
    assert predicted_by(features("sales in May", horizon)) == "sales in May"


@pytest.mark.parametrize(
    "outputs", [(), ("next_value",), ("a in 1 step", "b in 2 steps"), ("a in 2 steps",)]
)
def test_other_outputs_predict_no_column(outputs: tuple[str, ...]) -> None:
    assert predicted_by(outputs) is None


def test_two_columns_of_numbers_need_a_choice() -> None:
    with pytest.raises(Unusable, match=r"^t.csv: say which column to --predict: 'value', 'other'$"):
        series(daily(np.arange(90), np.arange(90) % 4), horizon=1)


def test_a_table_without_numbers_is_refused() -> None:
    with pytest.raises(Unusable, match="t.csv has no column of numbers"):
        series(table("day,name", *(f"{day},x" for day in dates(90))), horizon=1)


def test_a_step_without_a_season_asks_for_one() -> None:
    rows = [f"{place},{place % 9}" for place in range(90)]
    with pytest.raises(Unusable, match="no season follows from the step of 't': give its rows by"):
        series(table("t,v", *rows), horizon=1)
    assert series(table("t,v", *rows), horizon=1, season=9).season == 9


@pytest.mark.parametrize(
    ("rows", "horizon", "season"), [(90, 90, 7), (90, 15, 7), (90, 1, 72), (40, 1, 7), (2, 1, 1)]
)
def test_too_few_rows_are_counted(rows: int, horizon: int, season: int) -> None:
    with pytest.raises(Unusable) as refused:
        counted(rows, horizon, season)
    held_out = -(-rows // 5)
    assert str(refused.value) == (
        f"t.csv has {rows} rows, {held_out} of them held out: too few to look {horizon} ahead with "
        f"a season of {season}; give more rows, a shorter --horizon or a shorter --season"
    )


def test_a_column_that_never_changes_in_training_is_refused() -> None:
    values = np.arange(90) % 7
    flat = np.where(np.arange(90) < 80, 3, values)
    with pytest.raises(Unusable) as refused:
        series(daily(flat), horizon=2)
    assert str(refused.value) == (
        "t.csv: column 'value' is 3 in all 72 rows for training, so nothing can be learned from "
        "it: predict another"
    )
    with pytest.raises(Unusable, match="column 'other' is 3 .* name the columns to --read without"):
        series(daily(values, flat), predict="value", horizon=2)
