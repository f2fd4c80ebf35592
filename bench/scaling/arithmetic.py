"""The arithmetic alone: what ONNX Runtime takes for a run and for a row in it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median

import numpy as np
import onnxruntime as ort

from bench.process import pinned_to
from bench.scaling import fit
from bench.scaling.constants import Arithmetic
from bench.scaling.rounds import Plan
from bench.scaling.servers import NETWORKS, Place
from bench.scaling.talk import Single
from stepwire.v1 import stream_pb2 as pb

ROWS = (1, 4, 16, 64, 256)
_KEPT_OUTPUTS = 8
"""The service's own default, as a window."""


def arithmetic(plan: Plan, place: Place, name: str) -> Arithmetic:
    """Of one model, on the server's core."""
    with pinned_to(place.cores.server):
        runs = _runs(str(place.model(name)), plan)
    run, row = fit.nonnegative([[1.0, rows] for rows in ROWS], runs)
    network = NETWORKS[name]
    output, state = network.output_bytes, network.state_bytes
    return Arithmetic(
        run_us=run,
        row_us=row,
        request_bytes=len(Single(name, network.features).message(1000)),
        answer_bytes=_answer_bytes(output),
        kept_bytes=state + _KEPT_OUTPUTS * output,
    )


def _answer_bytes(output_bytes: int) -> int:
    output = pb.Output(
        step=1000, outputs=[bytes(output_bytes)], batch_size=16, queue_us=100, compute_us=100
    )
    return pb.StreamResponse(output=output).ByteSize()


def _runs(file: str, plan: Plan) -> list[float]:
    """Microseconds of CPU of a run, by `ROWS`."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]
    shapes = [given.shape[1:] for given in session.get_inputs()]
    rounds = [
        [_run_us(session, names, shapes, rows, plan) for rows in ROWS] for _ in range(plan.rounds)
    ]
    return [median(each) for each in zip(*rounds, strict=True)]


def _run_us(
    session: ort.InferenceSession,
    names: Sequence[str],
    shapes: Sequence[Sequence[int]],
    rows: int,
    plan: Plan,
) -> float:
    random = np.random.default_rng(0)
    feeds = {
        name: random.uniform(-1, 1, (rows, *shape)).astype(np.float32)
        for name, shape in zip(names, shapes, strict=True)
    }
    session.run(None, feeds)
    end, cpu, runs = time.perf_counter() + plan.seconds / 4, time.process_time(), 0
    while time.perf_counter() < end:
        session.run(None, feeds)
        runs += 1
    return (time.process_time() - cpu) / runs * 1e6
