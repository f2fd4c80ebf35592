"""The floor of the arithmetic: ONNX Runtime alone, on the model that the service serves.

`python -m bench.arithmetic FILE ROWS` loads it, says that it is ready, and for each line of
SECONDS on stdin runs so many rows at a time for so long, feeding the states back, and prints how
many runs that were and the seconds of CPU they took.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime as ort

from bench.load import Round
from bench.process import ServerFailed, pinned_to

_READY = "arithmetic: ready"


class Arithmetic:
    """A process of its own, on one core, that computes only while a round lasts."""

    def __init__(self, model: Path, rows: int, *, core: int, log: Path) -> None:
        self._rows = rows
        with log.open("wb") as errors, pinned_to(core):
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.arithmetic", str(model), str(rows)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        if self._line() != _READY:
            self.stop()
            raise ServerFailed(f"bench.arithmetic did not start:\n{log.read_text()[-2000:]}")

    def round(self, seconds: float) -> Round:
        """Per row, as the rounds of a fleet are per step."""
        assert self._process.stdin
        self._process.stdin.write(f"{seconds}\n")
        self._process.stdin.flush()
        runs, took, cpu = map(float, self._line().split())
        steps = runs * self._rows
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


def _serve(model: str, rows: int) -> None:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feeds = {
        given.name: np.zeros((rows, *given.shape[1:]), np.float32) for given in session.get_inputs()
    }
    names = [given.name for given in session.get_outputs()]
    state = next(name for name in feeds if f"{name}_next" in names)
    print(_READY, flush=True)
    for line in sys.stdin:
        end = (began := time.perf_counter()) + float(line)
        cpu, runs = time.process_time(), 0
        while (now := time.perf_counter()) < end:
            results = dict(zip(names, session.run(names, feeds), strict=True))
            feeds[state] = results[f"{state}_next"]
            runs += 1
        print(runs, now - began, time.process_time() - cpu, flush=True)


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
