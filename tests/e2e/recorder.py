"""`stepwire record` as its own process."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.loading import COMMAND, PATIENCE, Loaded


class Recorder:
    """Ready when made."""

    def __init__(self, *arguments: str) -> None:
        """Of the command; the first says where it listens."""
        self.process = command("record", *arguments)
        assert self.process.stdout and self.process.stderr
        first = self.process.stdout.readline()
        found = re.match(r"recording (\S+:(\d+)), for ", first)
        assert found, self.process.stderr.read()
        self.address, self.port = found[1], int(found[2])

    def ended(self) -> Loaded:
        """By an interrupt."""
        self.process.send_signal(signal.SIGINT)
        said, complained = self.process.communicate(timeout=PATIENCE)
        return Loaded(self.process.returncode, said, complained)


@contextlib.contextmanager
def recording(server: str, file: Path, *flags: str) -> Iterator[Recorder]:
    """Killed behind the block if it was not ended in it."""
    made = Recorder("127.0.0.1:0", "--from", server, "--to", str(file), *flags)
    with ending(made.process):
        yield made


@contextlib.contextmanager
def ending(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def command(*arguments: str) -> subprocess.Popen[str]:
    """In a process group of its own."""
    return subprocess.Popen(
        [COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "GRPC_VERBOSITY": "NONE"},
        start_new_session=True,
    )


def replayed(file: Path, *arguments: str) -> Loaded:
    process = command("replay", str(file), *arguments)
    said, complained = process.communicate(timeout=90)
    return Loaded(process.returncode, said, complained)
