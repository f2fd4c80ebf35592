"""The files that a command writes."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import click

from stepwire.refused import Refused


def writable(path: Path | None) -> None:
    """Before the load, not behind it. Raises Refused."""
    if path and not path.absolute().parent.is_dir():
        raise Refused(f"{path}: there is no folder {path.parent}; make it first")


def write(path: Path, text: str) -> None:
    """Whole or not at all. Raises Refused."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise Refused(f"{path}: {error.strerror}") from error
    click.echo(f"{path} written")
