"""What every demo shares: the service it speaks to, what it needs, and how it ends."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

import stepwire.sync
from demo.server import ServiceFailed, running
from models import cli
from models.cli import Refused
from models.interrupt import interruptible
from stepwire.errors import StepwireError, Unavailable
from stepwire.sync import Stream

if TYPE_CHECKING:
    from rich.console import Console

REPOSITORY = Path("model_repository")
CHECKOUT = Path(__file__).parents[1]
SHOWN = ("gymnasium", "matplotlib", "rich")
SERVED = ("onnxruntime", "pydantic_settings", "uvloop", "grpc_health", "grpc_reflection")
SLOWEST = 0.001
"""Of a demo's speeds: a thousand times slower than life."""
RETRY_FOR = 5.0
"""Seconds that the service may be away: at a demo one looks on."""

Command = TypeVar("Command", bound=Callable[..., None])


def service_options(command: Command) -> Command:
    """Adds --repository and --connect, for `served` to take."""
    repository = click.option(
        "--repository",
        type=click.Path(path_type=Path),
        help="Folder of model packages to serve.  "
        "[default: model_repository/ here, else of the checkout]",
    )
    connect = click.option(
        "--connect", metavar="HOST:PORT", help="Use a running service instead of starting one."
    )
    return repository(connect(command))


def speed_option(rate: str) -> Callable[[Command], Command]:
    """Adds --speed: how many times the `rate` of a demo it runs at, math.inf for `max`."""
    return click.option(
        "--speed",
        callback=_speed,
        default="1",
        metavar="N|max",
        help=f"Times {rate}; max: no waiting.",
    )


def _speed(_context: click.Context, _option: click.Parameter, value: str) -> float:
    try:
        speed = math.inf if value == "max" else float(value)
    except ValueError:
        speed = math.nan
    if not speed > 0:
        raise click.BadParameter(f"{value!r} is neither `max` nor a number above zero")
    if speed < SLOWEST:
        raise click.BadParameter(f"{value!r} is too slow to watch: take {SLOWEST} or more")
    return speed


def require(modules: tuple[str, ...]) -> None:
    """Raises Refused, naming the extra to install, if any of the modules is missing."""
    cli.require("the demo", modules, extra="demo")


def draws(console: Console) -> bool:
    """Whether a drawing can be shown and redrawn there; else a demo prints lines."""
    return (
        console.is_terminal
        and not console.is_dumb_terminal
        and console.encoding.lower().startswith("utf")
    )


@contextmanager
def served(repository: Path | None, connect: str | None) -> Iterator[str]:
    """The address of a service: the one to connect to, or a child that ends with the block.

    A terminal is told where the child has its live page.
    """
    if repository and connect:
        raise click.UsageError("--repository is for a service of one's own, --connect for another")
    if connect:
        try:
            yield connect
        except Unavailable as error:
            raise Refused(f"{error}; start a service there, or leave --connect out") from error
        return
    require(SERVED)
    with running(repository or _bundled(), shown=_tell if sys.stderr.isatty() else None) as address:
        yield address


@contextmanager
def streaming(address: str, model: str) -> Iterator[Stream]:
    """An open stream of the model. It is closed however the block ends: nobody resumes a demo."""
    with stepwire.sync.connect(address, retry_for=RETRY_FOR) as client:
        stream = client.stream(model)
        stream.open()
        try:
            yield stream
        finally:
            stream.close()


def _tell(url: str) -> None:
    click.echo(f"Live page, while this lasts: {url}", err=True)


def _bundled() -> Path:
    for folder in (Path(), CHECKOUT):
        if (folder / REPOSITORY).is_dir():
            return folder / REPOSITORY
    raise Refused(f"there is no {REPOSITORY}/ here: name a folder of models with --repository")


@contextmanager
def ending() -> Iterator[None]:
    """Turns what may end a demo into its exit code and one line."""
    with interruptible():
        try:
            yield
        except ServiceFailed as error:
            click.echo(error.log, nl=False, err=True)
            raise Refused(str(error)) from error
        except StepwireError as error:
            raise Refused(str(error)) from error
