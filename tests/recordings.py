"""Recordings made for tests, and what a recorder is given to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from loadtest.recording.tape import Tape
from stepwire.recording.v1 import recording_pb2 as rec
from stepwire.v1 import stream_pb2 as pb

DIGEST = "0123456789abcdef" * 4


def floats(*values: float) -> bytes:
    return np.array(values, "<f4").tobytes()


def begun(stream: int = 0, *, first_step: int = 0, at_us: int = 0) -> rec.Record:
    """Of a model that takes x: float32[1] and gives y: float32[1]."""
    return rec.Record(
        begun=rec.Begun(
            stream=stream,
            at_us=at_us,
            stream_id=f"stream-{stream}",
            model="accumulator",
            version=1,
            digest=DIGEST,
            inputs=[rec.Tensor(name="x", dtype="float32", shape=[1])],
            outputs=[rec.Tensor(name="y", dtype="float32", shape=[1])],
            first_step=first_step,
        )
    )


def step(
    number: int,
    *,
    stream: int = 0,
    asked_us: int = 0,
    output: float | None = 0.0,
    verdict: rec.Verdict.ValueType = rec.VERDICT_ON_TIME,
) -> rec.Record:
    """Of the input `number`; `output`: None if it was not answered."""
    made = rec.Step(stream=stream, step=number, asked_us=asked_us, inputs=[floats(number)])
    if output is not None:
        made.answered_us = asked_us + 1000
        made.outputs.append(floats(output))
        made.verdict = verdict
    return rec.Record(step=made)


def taped(path: Path, records: Iterable[rec.Record], *, ended: bool = True) -> Path:
    with Tape(path, server="localhost:50051", recorder="0.1.0", began_unix_us=10**15) as tape:
        for record in records:
            tape.write(record)
        if ended:
            tape.end(2_000_000, Counter({"/some.Service/Method": 3}))
    return path


SIGNATURE = pb.Signature(
    inputs=[pb.TensorSpec(name="x", dtype="float32", shape=[1])],
    outputs=[pb.TensorSpec(name="y", dtype="float32", shape=[1])],
    digest=DIGEST,
)


def opened(
    next_step: int = 0,
    *,
    stream_id: str = "a",
    token: bytes = b"token",
    version: int = 1,
    exact: bool = True,
) -> pb.Opened:
    """By a server, of the same model."""
    return pb.Opened(
        stream_id=stream_id,
        token=token,
        model="accumulator",
        version=version,
        signature=SIGNATURE,
        next_step=next_step,
        exact=exact,
        window=4,
    )
