"""From the choices of a command to a series: of a CSV, or of the made-up shop."""

from __future__ import annotations

import csv
from pathlib import Path

from models.tasks.forecast import shop
from models.tasks.forecast.series import Series, series
from models.tasks.forecast.table import Table, read

SHOP = "the made-up shop's sales"
SHOP_PREDICTS = "sales"


def chosen(
    path: str | None,
    *,
    time: str | None,
    delimiter: str | None,
    read: str | None,
    predict: str | None,
    horizon: int,
    season: int | None,
) -> Series:
    """`read`: names with commas between them, in quotes where they hold one. Raises Unusable."""
    names = None if read is None else [name.strip() for name in next(csv.reader([read]), [])]
    return series(
        table_of(path, delimiter),
        time=time,
        read=names,
        predict=predict or (SHOP_PREDICTS if path is None else None),
        horizon=horizon,
        season=season,
    )


def table_of(path: str | None, delimiter: str | None = None) -> Table:
    """A file's, or without a path the shop's. Raises Unusable."""
    if path is not None:
        return read(Path(path), delimiter)
    return Table.of(SHOP, enumerate((shop.HEADER, *shop.rows(shop.days())), start=1))
