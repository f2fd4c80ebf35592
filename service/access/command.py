"""`stepwire token`: makes a credential."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click

from service.access.credentials import Credential, hash_token, make_token
from service.access.tokens import TokensError, entry, parse
from stepwire.refused import Refused


@click.command(short_help="Make a bearer token.")
@click.argument("name")
@click.option(
    "--models",
    multiple=True,
    default=("*",),
    show_default=True,
    metavar="PATTERN",
    help="Models that it may use, as `pendulum-*`; may be given again.",
)
@click.option("--namespace", help="Of the streams that it opens.  [default: NAME]")
@click.option("--operator", is_flag=True, help="It may load and unload models.")
@click.option(
    "--add",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Add it to this file, for `stepwire serve --tokens FILE`; made if it is not there.",
)
def token(
    name: str, models: tuple[str, ...], namespace: str | None, operator: bool, add: Path | None
) -> None:
    """Make a random token for the caller NAME. It is shown this once, and kept nowhere.

    With --add the output is the token alone. Without, the output is the lines to add to the
    file of tokens, and the token goes to the standard error.
    """
    made = make_token()
    credential = Credential(
        name, hash_token(made), name if namespace is None else namespace, models, operator
    )
    lines = entry(credential)
    try:
        if add:
            _add(add, lines)
            click.echo(made)
        else:
            parse(lines)
            click.echo(lines, nl=False)
            click.echo(f"The token, shown this once: {made}", err=True)
    except TokensError as error:
        raise Refused(f"{add}: {error}" if add else str(error)) from error
    except BrokenPipeError:  # who reads the output has left: click's to end
        raise
    except OSError as error:
        raise Refused(f"{add}: {error.strerror or error}" if add else str(error)) from error


def _add(path: Path, lines: str) -> None:
    """Raises TokensError if the file with the lines would not be one of tokens, or OSError."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    after = f"{before.rstrip()}\n\n{lines}" if before.strip() else lines
    parse(after)
    _replace(path.resolve(), after)


def _replace(path: Path, text: str) -> None:
    """With the owner and the permissions that the file has, or private ones."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        if path.exists():
            status = path.stat()
            os.chown(temporary, status.st_uid, status.st_gid)
            os.chmod(temporary, status.st_mode & 0o777)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
