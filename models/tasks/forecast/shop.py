"""The daily sales of one product in one made-up shop, with all that drives them.

sales ~ Poisson(BASE · trend · week · year · price^ELASTICITY · display · warmth · mood). Trend and
seasons multiply, as in "Forecasting: Principles and Practice" by Hyndman and Athanasopoulos; the
mood is a slow random walk around 1 that no column tells.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

HEADER = ("date", "sales", "price", "promotion", "planned", "temperature")
PLAN = 7
"""Days that promotions are planned ahead."""
START = date(2020, 1, 1)
DAYS = 1827
"""Five years."""
SEED = 0

BASE = 180.0  # units a day
GROWTH = 0.04  # a year
WEEK = (0.90, 0.85, 0.90, 1.00, 1.20, 1.35, 0.80)  # Monday first
CHRISTMAS = 0.45  # added at the peak
CHRISTMAS_DAY, CHRISTMAS_WIDTH = 356, 9.0  # of the year; days
PRICE, ELASTICITY = 2.49, -1.6
PRICE_RISE = 0.02, 0.05  # from the least to the most, at the start of a quarter
RISING_QUARTERS = 0.3
PROMOTED_WEEKS, DISCOUNT, DISPLAY = 0.2, 0.15, 1.1
MILD, SUMMER, WARMTH = 10.0, 9.0, 0.012  # °C, °C above it in July, share of sales per °C
WEATHER, WEATHER_MEMORY = 2.0, 0.8  # °C a day
MOOD, MOOD_MEMORY = 0.03, 0.95
HURRY = 0.04  # what a day is off by beyond counting


class Days(NamedTuple):
    """T days, one after another."""

    dates: tuple[date, ...]
    sales: Floats  # [T], units
    price: Floats  # [T], euro
    promotion: Floats  # [T], 1 on promoted days, which are whole weeks from Monday to Saturday
    planned: Floats  # [T], the promotion of PLAN days later
    temperature: Floats  # [T], °C


def days(count: int = DAYS, seed: int = SEED) -> Days:
    """`count` days from START. The same seed gives the same days, and fewer are their beginning."""
    dates = tuple(START + timedelta(day) for day in range(count))
    week, mood, weather, count_noise, calendar = np.random.default_rng(seed).spawn(5)
    plan = _promotion(START, count + PLAN, week)
    promotion = plan[:count]
    price = np.round(_list_price(dates, calendar) * (1 - DISCOUNT * promotion), 2)
    temperature = np.round(_season(dates) + _wander(count, WEATHER, WEATHER_MEMORY, weather), 1)
    expected = (
        BASE
        * _calendar(dates)
        * (price / PRICE) ** ELASTICITY
        * np.where(promotion > 0, DISPLAY, 1.0)
        * np.exp(WARMTH * (temperature - MILD))
        * np.exp(_wander(count, MOOD, MOOD_MEMORY, mood))
    )
    sales = [
        count_noise.poisson(mean * np.exp(count_noise.normal(scale=HURRY))) for mean in expected
    ]
    return Days(dates, np.array(sales, np.float64), price, promotion, plan[PLAN:], temperature)


def rows(made: Days) -> list[tuple[str, ...]]:
    """As they stand in a CSV below HEADER."""
    forms = (".0f", ".2f", ".0f", ".0f", ".1f")
    return [
        (day.isoformat(), *(format(value, form) for value, form in zip(values, forms, strict=True)))
        for day, *values in zip(*made, strict=True)
    ]


def _calendar(dates: tuple[date, ...]) -> Floats:
    """Trend, week and Christmas together: [T], 1 on a usual day of the first year."""
    week = np.array([WEEK[day.weekday()] for day in dates])
    day_of_year = np.array([day.timetuple().tm_yday for day in dates])
    christmas = CHRISTMAS * np.exp(-(((day_of_year - CHRISTMAS_DAY) / CHRISTMAS_WIDTH) ** 2))
    growth = (1 + GROWTH) ** (np.arange(len(dates)) / 365.25)
    total: Floats = growth * week * (1 + christmas)
    return total


def _season(dates: tuple[date, ...]) -> Floats:
    """The temperature of each day in the mean of many years, highest in late July."""
    day_of_year = np.array([day.timetuple().tm_yday for day in dates])
    mean: Floats = MILD + SUMMER * np.cos(2 * np.pi * (day_of_year - 205) / 365.25)
    return mean


def _promotion(start: date, count: int, rng: np.random.Generator) -> Floats:
    """Some weeks, drawn one by one, from Monday to Saturday."""
    promoted = np.zeros(count)
    running = False
    for place in range(count):
        weekday = (start + timedelta(place)).weekday()
        if weekday == 0:
            running = rng.random() < PROMOTED_WEEKS
        promoted[place] = running and weekday < 6
    return promoted


def _list_price(dates: tuple[date, ...], rng: np.random.Generator) -> Floats:
    """Rises at the start of some quarters."""
    prices, price = [], PRICE
    for day in dates:
        if day.day == 1 and day.month % 3 == 1 and rng.random() < RISING_QUARTERS:
            price *= 1 + rng.uniform(*PRICE_RISE)
        prices.append(price)
    return np.array(prices)


def _wander(count: int, scale: float, memory: float, rng: np.random.Generator) -> Floats:
    """A first-order autoregression [T] from 0, whose innovations have a deviation of `scale`."""
    values, value = np.empty(count), 0.0
    for place in range(count):
        value = memory * value + rng.normal(scale=scale)
        values[place] = value
    return values
