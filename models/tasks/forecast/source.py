"""From the choices of a command to a series: of a CSV, or of the made-up shop."""

from __future__ import annotations

import csv
from pathlib import Path

from models.tasks.forecast import shop
from models.tasks.forecast.series import Series, series
from models.tasks.forecast.table import Table, Unusable, read

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
    return series(
        table_of(path, delimiter),
        time=time,
        read=None if read is None else _names(read),
        predict=predict or (SHOP_PREDICTS if path is None else None),
        horizon=horizon,
        season=season,
    )


def table_of(path: str | None, delimiter: str | None = None) -> Table:
    """A file's, or without a path the shop's. Raises Unusable."""
    if path is not None:
        return read(Path(path), delimiter)
    return Table.of(SHOP, enumerate((shop.HEADER, *shop.rows(shop.days())), start=1))


def _names(listed: str) -> list[str]:
    try:
        return [name.strip() for name in next(csv.reader([listed]), [])]
    except csv.Error as error:
        raise Unusable(f"{listed!r} are no columns to --read: {error}") from error
