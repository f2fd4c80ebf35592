"""The service as a child process: ready when entered, ended when left, whatever happened."""

from __future__ import annotations

import re
import select
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from stepwire.errors import StepwireError

SERVICE = (sys.executable, "-m", "service")
START_LIMIT = 60.0
"""Seconds that loading the models may take."""
STOP_LIMIT = 5.0
"""Seconds that the child has to end by itself."""
PAGE_LIMIT = 2.0
"""Seconds that the child has to say where its live page is, once it is ready."""
_READY = re.compile(rb"stepwire: listening on (\S+), serving ")
_PAGE = re.compile(rb"stepwire: live page on (\S+)")


class ServiceFailed(RuntimeError):
    """The child did not start, or ended before its time. `log` is what it said."""

    def __init__(self, message: str, log: str) -> None:
        super().__init__(message)
        self.log = log


@contextmanager
def running(
    repository: Path,
    *,
    service: Sequence[str] = SERVICE,
    start_limit: float = START_LIMIT,
    shown: Callable[[str], None] | None = None,
) -> Iterator[str]:
    """The HOST:PORT of a service of the repository's models, on a free loopback port.

    `shown` is told the URL of its live page; None: it has none.

    Raises ServiceFailed if it does not start within `start_limit` seconds, and in place of a
    StepwireError if it is the child's end that caused it.
    """
    with tempfile.TemporaryFile() as log:
        process = _start((*service, *_flags(repository, page=shown is not None)), log)
        try:
            address = _address(process, log, start_limit)
            if shown and (url := _page(process)):
                shown(url)
            yield address
        except StepwireError as error:
            if process.poll() is None:
                raise
            raise _failed(process, log, "ended while it was needed") from error
        finally:
            _stop(process)


def _flags(repository: Path, *, page: bool) -> tuple[str, ...]:
    flags = ("--listen", "127.0.0.1:0", "--repository", str(repository), "--grace", "1")
    return (*flags, "--http-listen", "127.0.0.1:0") if page else flags


def _start(command: Sequence[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=log,
        bufsize=0,  # what is still to be read can be waited for
        # A terminal's Ctrl-C goes to this process alone, which says goodbye and ends the child.
        start_new_session=True,
    )


def _address(process: subprocess.Popen[bytes], log: IO[bytes], limit: float) -> str:
    assert process.stdout
    if not select.select([process.stdout], [], [], limit)[0]:
        raise _failed(process, log, f"was not ready within {limit:g} s")
    found = _READY.match(process.stdout.readline())
    if not found:
        raise _failed(process, log, "did not start")
    return found[1].decode()


def _page(process: subprocess.Popen[bytes]) -> str | None:
    """None: it does not say."""
    assert process.stdout
    while select.select([process.stdout], [], [], PAGE_LIMIT)[0]:
        line = process.stdout.readline()
        if found := _PAGE.match(line):
            return found[1].decode()
        if not line:
            break
    return None


def _failed(process: subprocess.Popen[bytes], log: IO[bytes], what: str) -> ServiceFailed:
    _stop(process)
    log.seek(0)
    said = log.read().decode(errors="replace")
    return ServiceFailed(
        f"the service {what} (exit code {process.returncode}): mend what its log above says, "
        "or name a service that runs with --connect",
        said,
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Asks it to end, and makes it end."""
    try:
        process.terminate()
        process.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        pass
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()
