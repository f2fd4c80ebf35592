"""The files that a command writes."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

import click

from stepwire.refused import Refused


def writable(path: Path | None) -> None:
    """Before the load, not behind it, by writing beside it. Raises Refused."""
    if path is None:
        return
    if path.exists() and not path.is_file():
        raise Refused(f"{path}: it is there, and no file; name another")
    if not path.absolute().parent.is_dir():
        raise Refused(f"{path}: there is no folder {path.parent}; make it first")
    temporary = _beside(path)
    try:
        temporary.touch()
        temporary.unlink()
    except OSError as error:
        raise Refused(f"{path}: no file can be written there: {error.strerror}") from error


def write(path: Path, text: str) -> None:
    """Whole or not at all. Raises Refused."""
    temporary = _beside(path)
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise Refused(f"{path}: {error.strerror}") from error
    click.echo(f"{path} written")


def write_each(texts: Mapping[Path, str]) -> None:
    """All that can be. Raises Refused for the first that cannot."""
    refusals: list[Refused] = []
    for path, text in texts.items():
        try:
            write(path, text)
        except Refused as refusal:
            refusals.append(refusal)
    if refusals:
        raise refusals[0]


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}")
