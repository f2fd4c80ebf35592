"""Steps of many streams in one message, and its answers one by one again.

Numbers are packed into bytes, little-endian, as stream.proto says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from stepwire.v1 import stream_pb2 as pb

_HANDLE, _NUMBER, _VERDICT = np.dtype("<u4"), np.dtype("<u8"), np.dtype("u1")
_NO_BUDGET = 2**64 - 1


def packed(steps: Sequence[tuple[int, pb.Step]]) -> pb.FleetRequest:
    """At most one step of each stream, all of one model version, with their handles."""
    handles, alone = zip(*steps, strict=True)
    request = pb.FleetRequest()
    message = request.steps
    message.handles = _bytes(handles, _HANDLE)
    message.steps = _bytes([step.step for step in alone], _NUMBER)
    columns = zip(*(step.inputs for step in alone), strict=True)
    message.inputs.extend(b"".join(column) for column in columns)
    if any(step.HasField("budget_us") for step in alone):
        budgets = [step.budget_us if step.HasField("budget_us") else _NO_BUDGET for step in alone]
        message.budgets_us = _bytes(budgets, _NUMBER)
        message.ages_us = _bytes([step.age_us for step in alone], _NUMBER)
    if any(step.verdict for step in alone):
        message.verdicts = _bytes([step.verdict for step in alone], _VERDICT)
    return request


def outputs(message: pb.FleetOutputs) -> Iterator[tuple[int, pb.StreamResponse]]:
    """Each with the handle of its stream."""
    handles = np.frombuffer(message.handles, _HANDLE).tolist()
    entries = len(handles)
    numbers = np.frombuffer(message.steps, _NUMBER).tolist()
    rows = zip(*(_rows(data, entries) for data in message.outputs), strict=True)
    verdicts: Any = list(message.verdicts) or [pb.VERDICT_ON_TIME] * entries
    durable = np.frombuffer(message.durable_steps, _NUMBER).tolist() or [0] * entries
    for handle, number, row, verdict, step in zip(
        handles, numbers, rows, verdicts, durable, strict=True
    ):
        response = pb.StreamResponse()
        output = response.output
        output.step = number
        output.outputs.extend(row)
        output.verdict = verdict
        output.durable_step = step
        output.batch_size = message.batch_size
        output.queue_us = message.queue_us
        output.compute_us = message.compute_us
        yield handle, response


def durable(message: pb.FleetDurable) -> Iterator[tuple[int, pb.StreamResponse]]:
    """Each with the handle of its stream."""
    handles = np.frombuffer(message.handles, _HANDLE).tolist()
    steps = np.frombuffer(message.durable_steps, _NUMBER).tolist()
    for handle, step in zip(handles, steps, strict=True):
        yield handle, pb.StreamResponse(durable=pb.Durable(durable_step=step))


def _bytes(numbers: Sequence[int], dtype: np.dtype[np.generic]) -> bytes:
    return np.array(numbers, dtype).tobytes()


def _rows(data: bytes, rows: int) -> list[bytes]:
    size = len(data) // rows
    return [data[row * size : (row + 1) * size] for row in range(rows)]
