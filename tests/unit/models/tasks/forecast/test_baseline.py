"""Forecasts without a network, and the score of every forecast, against values by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.tasks.forecast.baseline import baselines, errors, overall, repeated, score
from models.tasks.forecast.series import Array, Series, ahead
from tests.unit.models.tasks.forecast.made import counted


def oracle(made: Series) -> Array:
    return ahead(made.values, made.horizon)


def test_the_last_value_is_repeated() -> None:
    forecasts = repeated(counted(100, horizon=3), 1)
    assert forecasts[42].tolist() == [42, 42, 42]


def test_the_seasonal_last_value_is_the_newest_of_the_same_place() -> None:
    forecasts = repeated(counted(100, horizon=6), 4)
    assert forecasts[50].tolist() == [47, 48, 49, 50, 47, 48]  # 51 - 4, ..., 54 - 4, 55 - 8, 56 - 8
    assert np.isnan(forecasts[1]).tolist() == [True, True, False, False, True, True]


@given(season=st.integers(1, 40), horizon=st.integers(1, 15))
def test_a_perfect_season_is_foretold_without_error(season: int, horizon: int) -> None:
    made = counted(200, horizon, season)
    seasonal = dataclasses.replace(made, values=(made.values % season).astype(np.float32))
    assert errors(seasonal, baselines(seasonal)["seasonal last value"]).max() == 0


def test_what_knows_the_future_has_no_error() -> None:
    made = counted(100)
    assert set(score(made, oracle(made)).values()) == {0}


def test_scores_are_errors_by_step_in_the_unit_of_the_column() -> None:
    made = counted(100, horizon=3, season=5)
    assert score(made, baselines(made)["last value"]) == {
        "MAE at step 1 [value]": 1,
        "MAE at step 3 [value]": 3,
        "MAE over all steps [value]": 2,
        "MASE over all steps": pytest.approx(2 / 5),  # each row is 5 above that a season before
    }
    assert overall(made) in score(made, oracle(made))


def test_only_held_out_rows_are_scored() -> None:
    made = counted(100, horizon=3)
    assert made.split == 80
    forecasts = np.full((100, 3), np.nan, np.float32)
    forecasts[79:97] = oracle(made)[79:97] + np.float32(2)
    assert score(made, forecasts)["MAE over all steps [value]"] == 2
    assert errors(made, forecasts).shape == (18, 3)


def test_the_scale_of_the_error_knows_nothing_of_the_held_out_rows() -> None:
    made = counted(100, season=5)
    leap = dataclasses.replace(
        made, values=np.where(made.values < 80, made.values, np.float32(900))
    )
    error = score(leap, oracle(leap) + np.float32(2))["MASE over all steps"]
    assert error == pytest.approx(2 / 5)


def test_a_series_that_repeats_itself_in_training_has_no_scale() -> None:
    made = counted(100, season=5)
    repeating = dataclasses.replace(made, values=(made.values % 5).astype(np.float32))
    assert score(repeating, baselines(repeating)["last value"])["MASE over all steps"] is None
