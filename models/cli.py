"""What commands share beside the service: refusals in one line, and extras that are missing."""

from __future__ import annotations

import importlib.util
from typing import IO, Any

import click


class Refused(click.ClickException):
    """Ends a command with one line and exit code 2."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"error: {' '.join(self.message.split())}", file=file, err=True)


def require(what: str, modules: tuple[str, ...], *, extra: str) -> None:
    """Raises Refused, naming the extra to install, if any of the modules is missing."""
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if missing:
        raise Refused(f"{what} needs {', '.join(missing)}: pip install 'stepwire[{extra}]'")
