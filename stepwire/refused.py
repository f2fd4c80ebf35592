"""How a command ends that refuses what it was given."""

from __future__ import annotations

from typing import IO, Any

import click


class Refused(click.ClickException):
    """Ends the command with exit code 2 and the message in one line."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"error: {' '.join(self.message.split())}", file=file, err=True)
