"""A server process: pinned to a core, ready once it says so, ended by its id."""

from __future__ import annotations

import ctypes
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

READY = "stepwire: listening on "
"""How the service begins the line that tells its address."""
_START_LIMIT, _STOP_LIMIT = 60.0, 5.0


class ServerFailed(RuntimeError):
    """A server did not start; the message holds the end of its log."""


class Server:
    """A Python module that prints a line of `ready` and its HOST:PORT, running on one core."""

    def __init__(self, module: str, arguments: Sequence[str], *, ready: str, core: int, log: Path):
        self._name, self._log = module, log
        # Its threads inherit the core from the thread that starts it.
        with log.open("wb") as errors, pinned_to(core):
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdout=subprocess.PIPE,
                stderr=errors,
                # A terminal's Ctrl-C goes to the benchmark alone, which ends its servers.
                start_new_session=True,
            )
        try:
            self.address = self._address(ready)
            self._clock = _cpu_clock(self._process.pid)
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    def cpu_seconds(self) -> float:
        """User and system time of all its threads, the ended ones too, to the nanosecond."""
        return time.clock_gettime(self._clock)

    def memory_bytes(self) -> int:
        """Resident: what the process has touched and not given back."""
        pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def _address(self, ready: str) -> str:
        stdout = self._process.stdout
        assert stdout is not None
        if select.select([stdout], [], [], _START_LIMIT)[0]:
            line = stdout.readline().decode()
            if line.startswith(ready):
                return line.removeprefix(ready).split(",")[0].strip()
        end = self._log.read_text(errors="replace")[-2000:]
        raise ServerFailed(f"{self._name} did not start:\n{end}")


@contextmanager
def pinned_to(core: int) -> Iterator[None]:
    """Runs the calling thread, and what it starts, on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _cpu_clock(pid: int) -> int:
    clock = ctypes.c_int()
    if error := ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(clock)):
        raise OSError(error, f"no CPU clock of process {pid}: {os.strerror(error)}")
    return clock.value
