"""The made-up shop: its seasons can be seen, and a seed gives it again."""

from __future__ import annotations

import numpy as np
import pytest

from models.tasks.forecast import shop
from models.tasks.forecast.shop import Days


@pytest.fixture(scope="module")
def made() -> Days:
    return shop.days()


def test_a_seed_gives_the_same_days_and_another_others(made: Days) -> None:
    np.testing.assert_array_equal(shop.days().sales, made.sales)
    assert (shop.days(seed=1).sales != made.sales).mean() > 0.9


@pytest.mark.parametrize("count", [1, 8, 500])
def test_fewer_days_are_the_beginning_of_more(made: Days, count: int) -> None:
    assert shop.rows(shop.days(count)) == shop.rows(made)[:count]


def test_sales_are_counts_with_a_week_a_christmas_and_a_trend(made: Days) -> None:
    assert (made.sales >= 0).all() and (made.sales == made.sales.round()).all()
    weekday = np.array([day.weekday() for day in made.dates])
    means = np.array([made.sales[weekday == day].mean() for day in range(7)])
    assert means.argmax() == 5 and means[5] > 1.4 * means[6]
    december = np.array([day.month == 12 and day.day >= 15 for day in made.dates])
    october = np.array([day.month == 10 for day in made.dates])
    assert made.sales[december].mean() > 1.2 * made.sales[october].mean()


def test_last_week_and_last_year_foretell_a_day_better_than_any_day(made: Days) -> None:
    sales = made.sales - made.sales.mean()

    def correlation(lag: int) -> float:
        return float(np.corrcoef(sales[lag:], sales[:-lag])[0, 1])

    assert correlation(7) > correlation(3) + 0.3
    assert correlation(364) > correlation(182) + 0.1  # whole weeks, a year and half a year


def test_the_temperature_is_that_of_the_season(made: Days) -> None:
    month = np.array([day.month for day in made.dates])
    assert made.temperature[month == 7].mean() > made.temperature[month == 1].mean() + 12


def test_promotions_are_planned_a_week_ahead_lower_the_price_and_sell(made: Days) -> None:
    np.testing.assert_array_equal(made.planned[: -shop.PLAN], made.promotion[shop.PLAN :])
    promoted = made.promotion == 1
    assert 0.05 < promoted.mean() < 0.4
    assert made.price[promoted].max() < made.price[~promoted].max()
    saturday = np.array([day.weekday() == 5 for day in made.dates])
    assert made.sales[promoted & saturday].mean() > 1.2 * made.sales[~promoted & saturday].mean()


def test_rows_are_the_days_as_text(made: Days) -> None:
    first, *_ = rows = shop.rows(made)
    assert len(rows) == shop.DAYS and len(first) == len(shop.HEADER)
    assert first[0] == shop.START.isoformat()
    assert [float(cell) for cell in first[1:]] == [column[0] for column in made[1:]]
