"""The options that say which server is meant and how it is reached."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from loadtest.load import Target
from stepwire.channel import ReadableCredential, Security
from stepwire.refused import Refused

Command = TypeVar("Command", bound=Callable[..., Any])

_FILE = click.Path(path_type=Path)
_OPTIONS = (
    click.option("--tls", is_flag=True, help="The server has a certificate that gRPC knows."),
    click.option("--ca", type=_FILE, help="PEM file: who signs certificates."),
    click.option("--certificate", type=_FILE, help="PEM file: of this client."),
    click.option("--key", type=_FILE, help="PEM file: of this client."),
    click.option(
        "--credential-file",
        type=_FILE,
        help="File with the bearer token.  [else: the variable STEPWIRE_CREDENTIAL]",
    ),
    click.option("--credential", envvar="STEPWIRE_CREDENTIAL", hidden=True),
    click.option(
        "--plaintext-credential",
        is_flag=True,
        help="Send the credential unencrypted, to any machine.",
    ),
)


def options(command: Command) -> Command:
    """They arrive as the keyword arguments of `target`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def target(
    address: str,
    connections: int,
    *,
    tls: bool,
    ca: Path | None,
    certificate: Path | None,
    key: Path | None,
    credential_file: Path | None,
    credential: str | None,
    plaintext_credential: bool,
) -> Target:
    """Raises Refused."""
    security = Security(
        tls=tls,
        ca=ca,
        certificate=certificate,
        key=key,
        credential=_read(credential_file) if credential_file else credential,
        plaintext_credential=plaintext_credential,
    )
    try:
        security.check(address)
        for file in (ca, certificate, key):
            if file:
                file.read_bytes()
    except ReadableCredential as error:
        raise Refused(
            f"whoever is between here and {address} could read the credential: give --ca or "
            "--tls, or allow it by --plaintext-credential"
        ) from error
    except ValueError as error:
        raise Refused(str(error)) from error
    except OSError as error:
        raise Refused(f"{error.filename}: {error.strerror}") from error
    return Target(address=address, security=security, connections=connections)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Refused(f"{path}: it is no UTF-8") from error
