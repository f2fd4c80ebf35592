"""From the choices of a command to a series."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.tasks.forecast.series import Series
from models.tasks.forecast.source import SHOP, chosen, table_of
from models.tasks.forecast.table import Unusable
from tests.unit.models.tasks.forecast.made import dates


def made(path: str | None = None, *, read: str | None = None, predict: str | None = None) -> Series:
    return chosen(
        path, time=None, delimiter=None, read=read, predict=predict, horizon=2, season=None
    )


def test_without_a_file_it_is_the_shops_sales() -> None:
    series = made()
    assert series.predict == "sales" and series.season == 7
    assert series.read == ("sales", "price", "promotion", "planned", "temperature")
    assert len(series.values) == 1827


def test_another_column_of_the_shop_can_be_chosen() -> None:
    series = made(read="sales, temperature", predict="temperature")
    assert (series.read, series.predict) == (("sales", "temperature"), "temperature")


def test_a_name_with_a_comma_stands_in_quotes(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = (f"{day};{place % 7};{place % 5}" for place, day in enumerate(dates(90)))
    path.write_text("\n".join(("day;load, MW;price", *rows)))
    assert made(str(path), read='"load, MW"', predict="price").read == ("load, MW",)


def test_names_over_two_lines_are_refused() -> None:
    with pytest.raises(Unusable, match=r"^'sales\\nprice' are no columns to --read: new-line"):
        made(read="sales\nprice")


def test_the_shop_is_named_in_messages() -> None:
    with pytest.raises(Unusable, match=f"^{SHOP} has no column 'turnover', but 'date', 'sales'"):
        made(predict="turnover")
    assert table_of(None).source == SHOP
