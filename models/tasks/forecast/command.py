"""`stepwire sales`: a made-up shop's daily sales as a CSV."""

from __future__ import annotations

import csv
import os
import tempfile
from pathlib import Path

import click

from models.cli import Refused
from models.tasks.forecast import shop


@click.command(
    short_help="Write a made-up shop's sales as CSV.",
    context_settings={"show_default": True},
)
@click.argument("file", metavar="OUT.csv", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--days", type=click.IntRange(1, 100_000), default=shop.DAYS, help="Rows.")
@click.option("--seed", type=click.IntRange(0), default=shop.SEED)
@click.option("--force", is_flag=True, help="Overwrite the file if it is there.")
def sales(file: Path, days: int, seed: int, force: bool) -> None:
    """Write a made-up shop's daily sales, with price, promotion and temperature.

    They have a trend, a season of a week and one of a year, and noise. What is written without
    options is what `stepwire train forecast` reads without a --csv.
    """
    if file.exists() and not force:
        raise Refused(f"{file} is there already: take another name, or --force to overwrite it")
    try:
        _write(file, [shop.HEADER, *shop.rows(shop.days(days, seed))])
    except OSError as error:
        raise Refused(f"cannot write {file}: {error.strerror}") from error
    click.echo(f"{file}: {days} days from {shop.START}")


def _write(path: Path, rows: list[tuple[str, ...]]) -> None:
    """Whole or not at all."""
    handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
        os.chmod(unfinished, 0o644)  # a temporary file is its owner's alone
        os.replace(unfinished, path)
    except BaseException:
        os.unlink(unfinished)
        raise
