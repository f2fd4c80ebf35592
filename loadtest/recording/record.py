"""`stepwire record`: live streams written to a file on their way to the server."""

from __future__ import annotations

import asyncio
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import grpc

from loadtest.files import writable
from loadtest.live import Live
from loadtest.parameters import Address
from loadtest.recording.recorder import CannotListen, Recorder
from loadtest.recording.show import told
from loadtest.recording.tape import Tape
from loadtest.target import options, target
from loadtest.worker import fast_loop
from stepwire.refused import Refused

FAILED = 1
"""The exit code where not all was recorded."""
_FILE = click.Path(path_type=Path)


@click.command(short_help="Record live streams on their way to a server.")
@click.argument(
    "listen", type=Address(listens=True), default="localhost:50052", metavar="[HOST:PORT]"
)
@click.option(
    "--from",
    "server",
    type=Address(),
    default="localhost:50051",
    show_default=True,
    metavar="HOST:PORT",
    help="The server that the calls are for.",
)
@click.option(
    "--to",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The recording; none of that name may be there.",
)
@click.option(
    "--show",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Tell what is in a recording, and record nothing.",
)
@click.option("--tls-cert", type=_FILE, help="PEM file: what clients are shown.")
@click.option("--tls-key", type=_FILE, help="PEM file: of that certificate.")
@options
def record(
    listen: str,
    server: str,
    file: Path | None,
    show: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    **security: Any,
) -> None:
    """Record live streams on their way to a server.

    Clients connect to HOST:PORT instead of the server, and are otherwise as they were: every call
    passes, byte for byte, with its own credentials. The steps of native streams and fleets are
    written with their answers and when they came. Ctrl-C ends the recording.
    """
    if show:
        click.echo(told(show))
        return
    if file is None:
        raise click.UsageError("Missing option '--to': where the recording goes")
    writable(file)
    if security["credential_file"]:
        raise click.UsageError("clients send their own credentials: leave out --credential-file")
    security["credential"] = None
    where = target(server, 1, **security)
    credentials = _credentials(tls_cert, tls_key)
    with _tape(file, server) as tape:
        recorder = Recorder(listen, credentials, where, tape, Live(sys.stderr))
        with asyncio.Runner(loop_factory=fast_loop) as runner:
            try:
                runner.run(recorder.run(lambda address: _began(address, server, file)))
            except CannotListen as error:
                file.unlink(missing_ok=True)
                raise Refused(str(error)) from error
    _ended(tape)


def _tape(file: Path, server: str) -> Tape:
    try:
        return Tape(
            file,
            server=server,
            recorder=version("stepwire"),
            began_unix_us=time.time_ns() // 1000,
        )
    except FileExistsError as error:
        raise Refused(f"{file}: it is there already; name another file, or remove it") from error
    except OSError as error:
        raise Refused(f"{file}: {error.strerror}") from error


def _began(address: str, server: str, file: Path) -> None:
    click.echo(f"recording {address}, for {server}, to {file}; Ctrl-C ends it")
    sys.stdout.flush()


def _ended(tape: Tape) -> None:
    if tape.failure is not None:
        click.echo(
            f"error: {tape.path}: {tape.failure}; what came before stands in the file", err=True
        )
        sys.exit(FAILED)
    click.echo(told(tape.path))


def _credentials(certificate: Path | None, key: Path | None) -> grpc.ServerCredentials | None:
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise Refused("a certificate and its key go together: give --tls-cert and --tls-key")
    try:
        return grpc.ssl_server_credentials([(key.read_bytes(), certificate.read_bytes())])
    except OSError as error:
        raise Refused(f"{error.filename}: {error.strerror}") from error
