"""`stepwire compare`: a sub-command for each task, from its options to a page."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from demo.stage import SERVED, ending
from models import options, tasks
from models.cli import Refused, require
from models.command import CELLS, NEEDED

if TYPE_CHECKING:
    from compare.comparison import Setting
    from compare.results import Results

MOST_SEEDS = 100


@click.group(short_help="Train cells side by side at equal size.")
def compare() -> None:
    """Train several cells for a task at equal size and report them side by side."""


def _cells(_context: click.Context, _option: click.Parameter, value: str) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(cell.strip() for cell in value.split(",")))
    for cell in chosen:
        if cell not in CELLS:
            raise Refused(f"--cells: {cell!r} is not one of {', '.join(CELLS)}")
    return chosen


OF_COMPARISON: tuple[options.Option[Any], ...] = (
    click.option(
        "--cells",
        default="rnn,gru,lstm",
        callback=_cells,
        help="Names of `stepwire train --cell`, separated by commas.",
    ),
    click.option(
        "--seeds",
        type=click.IntRange(1, MOST_SEEDS),
        default=3,
        help="Trainings of each network, from seed 0 on.",
    ),
    click.option("--threads", type=click.IntRange(1), default=1, help="Of torch."),
    click.option(
        "--out",
        type=click.Path(path_type=Path),
        help="A new folder.  [default: comparisons/<task>-<time>]",
    ),
)


def _command(name: str, entry: tasks.Entry) -> click.Command:
    own = options.OF_TASK.get(name, ())

    def callback(**arguments: Any) -> None:
        chosen = options.taken(arguments, own)
        recipe = options.taken(arguments, options.OF_RECIPE)
        size = options.taken(arguments, options.of_size(entry))
        given = {option: value for option, value in recipe.items() if value is not None}
        _compare(name, chosen, given, size, **arguments)

    every = (*own, *options.of_size(entry), *options.OF_RECIPE, *OF_COMPARISON)
    return click.command(name, help=entry.summary, context_settings={"show_default": True})(
        options.with_options(callback, every)
    )


def _compare(
    name: str,
    own: dict[str, Any],
    recipe: dict[str, Any],
    size: dict[str, Any],
    *,
    cells: tuple[str, ...],
    seeds: int,
    threads: int,
    out: Path | None,
) -> None:
    with ending():
        require("comparing", (*NEEDED, "onnx", "onnxscript", *SERVED), extra="train")
        import torch

        from compare.folder import PAGE, RESULTS, TABLE, write
        from models.folders import filled, require_free
        from models.tasks.task import TaskRefused

        torch.set_num_threads(threads)
        target = out or Path("comparisons") / f"{name}-{datetime.now():%Y%m%d-%H%M%S}"
        try:
            setting = _setting(name, own, recipe, size, cells, seeds)
            require_free(target, "--out")
            with filled(target) as made:
                results = _conduct(setting, threads)
                _show(results)
                write(made, results)
        except (TaskRefused, OSError) as error:
            raise Refused(str(error)) from error
    for file in (PAGE, TABLE, RESULTS):
        click.echo(target / file)


def _setting(
    name: str,
    own: dict[str, Any],
    recipe: dict[str, Any],
    size: dict[str, Any],
    cells: tuple[str, ...],
    seeds: int,
) -> Setting:
    from compare.comparison import Setting
    from compare.contestants import contestants
    from models.experiment import architecture_for, recipe_for
    from models.networks import SequenceNetwork

    task = tasks.load(name, own)
    base = architecture_for(task, **size)

    def parameters(cell: Any, hidden: int) -> int:
        return SequenceNetwork(replace(base, cell=cell, hidden=hidden)).parameter_count

    chosen: tuple[Any, ...] = cells
    return Setting(
        task,
        own,
        recipe_for(task, **recipe),
        tuple(range(seeds)),
        {
            each: replace(base, cell=each.cell, hidden=each.hidden)
            for each in contestants(chosen, base.hidden, parameters)
        },
    )


def _conduct(setting: Setting, threads: int) -> Results:
    from rich.console import Console

    from compare.comparison import conduct
    from compare.progress import Watch

    watch = Watch(Console(), setting.task.headline, setting.trainings)
    try:
        with watch.shown():
            return conduct(setting, _made(threads), watch)
    except KeyboardInterrupt:
        click.echo(f"interrupted after {watch.ended}: nothing was written", err=True)
        raise


def _made(threads: int) -> Mapping[str, str]:
    packages = ("stepwire", "torch", "onnxruntime", "grpcio")
    return {
        "command": shlex.join(["stepwire", *sys.argv[1:]]),
        "date": f"{datetime.now():%Y-%m-%d %H:%M}",
        "processor": f"{platform.machine()}, {os.cpu_count()} cores, {threads} used by torch",
        "software": ", ".join(
            [f"Python {platform.python_version()}", *(f"{p} {version(p)}" for p in packages)]
        ),
    }


def _show(results: Results) -> None:
    from rich.console import Console

    from compare import table
    from compare.summary import summary

    console = Console()
    costs = [table.names(results), *table.costs(results)]
    networks = [column.first(len(results.entries)) for column in costs]
    console.print(table.terminal(f"{results.task}, held out", table.verdict(results)))
    console.print(table.terminal("costs", networks))
    for line in (summary(results), *results.notes):
        console.print(line, highlight=False, markup=False)


for _name, _entry in tasks.TASKS.items():
    compare.add_command(_command(_name, _entry))
