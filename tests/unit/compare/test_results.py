"""Statistics, and what is kept for other programs."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from compare.results import Statistic, statistic, to_json
from tests.unit.compare.made import ERROR, SHARE, results, usual


def test_mean_and_spread_of_known_values() -> None:
    # (2 - 5)² + (4 - 5)² + (9 - 5)² = 26, over n - 1 = 2
    assert statistic([2.0, 4.0, 9.0]) == Statistic(5.0, math.sqrt(13.0), 3)


def test_one_value_has_no_spread_and_none_no_mean() -> None:
    assert statistic([2.5]) == Statistic(2.5, None, 1)
    assert statistic([]) is None


def test_an_infinite_value_has_no_spread() -> None:
    assert statistic([1.0, math.inf]) == Statistic(math.inf, None, 2)


def test_the_headline_is_the_first_measure() -> None:
    assert usual().measures == (ERROR, SHARE)
    assert results().measures == (ERROR,)  # where nothing was scored too


def test_a_measure_is_of_the_seeds_that_have_it() -> None:
    rnn, gru, large = usual().entries
    assert rnn.measured(SHARE) == (10.0,)
    assert gru.measured(ERROR) == (1.0, 3.0)
    assert large.measured(ERROR) == (3.0,)


def test_those_of_equal_size_are_found() -> None:
    found = {equal: usual().alike(equal) for equal in ("hidden size", "parameters")}
    assert [entry.contestant.name for entry in found["hidden size"]] == ["rnn 4", "gru 4"]
    assert [entry.contestant.name for entry in found["parameters"]] == ["gru 4", "rnn 9"]


def test_everything_is_in_the_json() -> None:
    read = json.loads(to_json(usual()))
    assert read["entries"][1]["contestant"] == {
        "cell": "gru",
        "hidden": 4,
        "equal": ["hidden size", "parameters"],
    }
    assert read["entries"][1]["trials"][1]["score"] == {SHARE: 90.0, ERROR: 3.0}
    assert read["entries"][2]["trials"][1]["failure"].startswith("the loss became nan")
    assert read["baselines"]["oracle"][ERROR] == 0.5
    assert read["headline"] == {"measure": ERROR, "better": "lower", "ceilings": []}


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_what_is_not_finite_is_null_in_the_json(value: float) -> None:
    found = replace(usual(), baselines={"broken": {ERROR: value}})
    assert json.loads(to_json(found))["baselines"] == {"broken": {ERROR: None}}
