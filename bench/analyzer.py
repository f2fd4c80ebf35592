"""`perf_analyzer` as a load: sequences of Triton's protocol, on the client's core."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from bench.load import LoadFailed, Round
from bench.process import Server
from torture.triton_client import TritonClient

SEQUENCE_LENGTH = 100
_TRIALS = 10
"""At most; three that agree are enough for `perf_analyzer`."""
_AGREEMENT = 1000
"""Percent by which its trials may differ: it is the pairs that tell how steady a figure is."""


def analyzed(
    client: TritonClient, server: Server, model: str, *, concurrency: int, seconds: float, to: Path
) -> Round:
    """One run of it: `concurrency` sequences, each with one timestep in flight.

    `seconds`: of each trial. `to`: a file for its report. Raises LoadFailed.
    """
    done = client.perf_analyzer(
        *("-m", model, "-u", server.address, "-i", "grpc", "--streaming"),
        *("--sequence-length", str(SEQUENCE_LENGTH), "--concurrency-range", str(concurrency)),
        *("--max-threads", "1", "--measurement-interval", str(round(1000 * seconds))),
        *("--max-trials", str(_TRIALS), "--stability-percentage", str(_AGREEMENT)),
        *("-f", str(to)),
    )
    if done.returncode or not to.exists():
        said = (done.stdout + done.stderr).strip().splitlines() or ["nothing"]
        raise LoadFailed(f"perf_analyzer failed, saying {said[-1]!r}")
    *_, row = csv.DictReader(to.read_text(encoding="utf-8").splitlines())
    to.unlink()
    return Round(
        rate=float(row["Inferences/Second"]),
        p50_us=float(row["p50 latency"]),
        p99_us=float(row["p99 latency"]),
        cpu_us=math.nan,  # it does not tell how many requests it made in all
    )
