"""The floor of the arithmetic: ONNX Runtime alone, on the model that the service serves.

`python -m bench.arithmetic FILE` loads it, says that it is ready, and for each line of ROWS SECONDS
on stdin runs so many rows at a time for so long, feeding the states back, and prints how many runs
that were, how long they took and the seconds of CPU.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from bench.load import Round
from bench.process import ServerFailed, pinned_to
from bench.stepper import Stepper

_READY = "arithmetic: ready"
_FIRST_RUNS = 3
"""Unmeasured, at each number of rows: the session plans its memory."""


class Arithmetic:
    """A process of its own, on one core, that computes only while a round lasts."""

    def __init__(self, model: Path, *, core: int, log: Path) -> None:
        with log.open("wb") as errors, pinned_to(core):
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.arithmetic", str(model)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        if self._line() != _READY:
            self.stop()
            raise ServerFailed(f"bench.arithmetic did not start:\n{log.read_text()[-2000:]}")

    def round(self, rows: int, seconds: float) -> Round:
        """Per row, as the rounds of a fleet are per step; a round trip is a run."""
        assert self._process.stdin
        self._process.stdin.write(f"{rows} {seconds}\n")
        self._process.stdin.flush()
        runs, took, cpu = map(float, self._line().split())
        steps = runs * rows
        per_run = took / runs * 1e6
        return Round(steps / took, per_run, per_run, cpu / steps * 1e6)

    def _line(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline().strip()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()


def _serve(model: Path) -> None:
    stepper = Stepper(model)
    print(_READY, flush=True)
    for line in sys.stdin:
        rows, seconds = line.split()
        stepper.begin(int(rows))
        for _ in range(_FIRST_RUNS):
            stepper.step()
        print(*_timed(stepper, float(seconds)), flush=True)


def _timed(stepper: Stepper, seconds: float) -> tuple[int, float, float]:
    """Runs, seconds, and seconds of CPU."""
    end = (began := time.perf_counter()) + seconds
    cpu, runs = time.process_time(), 0
    while (now := time.perf_counter()) < end:
        stepper.step()
        runs += 1
    return runs, now - began, time.process_time() - cpu


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
