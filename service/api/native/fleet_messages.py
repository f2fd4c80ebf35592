"""Fleet messages to arrays and back. Numbers are packed into bytes, little-endian."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from service.api.native import messages
from service.api.varint import varint
from service.core.blocks import BlockOutputs
from service.core.errors import InvalidRequest, ServiceError
from service.core.lateness import Verdict
from service.core.model import Array, Tensors
from service.core.steps import Output, StepError
from stepwire.v1 import stream_pb2 as pb

_HANDLE, _NUMBER, _VERDICT = np.dtype("<u4"), np.dtype("<u8"), np.dtype("u1")
_NO_BUDGET = 2**64 - 1
_MICRO = 1e-6
_ANSWER_BYTES = 2**20
"""Of the outputs in one message, at most: clients take 4 MB by default."""


class Steps(NamedTuple):
    """The last fields of a `Block`, of a message whose tensors are not looked at yet."""

    steps: Array
    inputs: tuple[memoryview, ...]
    received: float
    budgets: Array | None
    ages: Array | None
    verdicts: Array | None


def steps(message: pb.FleetSteps, entries: int, received: float) -> Steps:
    """Raises InvalidRequest where the fields do not have one number for each entry."""
    budgets = _optional(message.budgets_us, _NUMBER, entries, "budgets_us")
    ages = _optional(message.ages_us, _NUMBER, entries, "ages_us")
    return Steps(
        _of(message.steps, _NUMBER, entries, "steps").view(np.int64),
        tuple(map(memoryview, message.inputs)),
        received,
        None if budgets is None else np.where(budgets == _NO_BUDGET, np.inf, budgets * _MICRO),
        None if ages is None else ages * _MICRO,
        _optional(message.verdicts, _VERDICT, entries, "verdicts"),
    )


def _of(data: bytes, dtype: np.dtype[np.generic], entries: int, name: str) -> Array:
    if len(data) != entries * dtype.itemsize:
        raise InvalidRequest(f"{name} has {len(data)} bytes for {entries} handles")
    return np.frombuffer(data, dtype)


def _optional(data: bytes, dtype: np.dtype[np.generic], entries: int, name: str) -> Array | None:
    return _of(data, dtype, entries, name) if data else None


def serialized(message: pb.FleetResponse | bytes) -> bytes:
    """The same, where it is not in bytes already."""
    return message if isinstance(message, bytes) else message.SerializeToString()


def fits(answer: BlockOutputs) -> bool:
    """Whether `outputs` makes one message of it."""
    return _each(answer) >= len(answer.handles)


def _each(answer: BlockOutputs) -> int:
    """Entries of a message."""
    size = sum(array.nbytes for array in answer.outputs)
    return max(1, len(answer.handles) * _ANSWER_BYTES // max(1, size))


def outputs(answer: BlockOutputs, durable_steps: Array | None) -> Iterator[bytes]:
    """FleetResponses, of a size that clients take."""
    entries, each = len(answer.handles), _each(answer)
    if each >= entries:
        yield _outputs(answer, durable_steps)
        return
    for first in range(0, entries, each):
        some = slice(first, first + each)
        part = answer._replace(
            handles=answer.handles[some],
            steps=answer.steps[some],
            outputs=[array[some] for array in answer.outputs],
            late=None if answer.late is None else answer.late[some],
        )
        yield _outputs(part, None if durable_steps is None else durable_steps[some])


def _outputs(answer: BlockOutputs, durable_steps: Array | None) -> bytes:
    """Its outputs are copied once: through protobuf it would be twice more."""
    small = pb.FleetOutputs(
        handles=answer.handles.tobytes(),
        steps=answer.steps.tobytes(),
        batch_size=answer.batch_size,
        queue_us=messages.microseconds(answer.queued),
        compute_us=messages.microseconds(answer.computed),
    )
    if answer.late is not None:
        verdicts = np.where(answer.late, Verdict.LATE, Verdict.ON_TIME).astype(_VERDICT)
        small.verdicts = verdicts.tobytes()
    if durable_steps is not None:
        small.durable_steps = durable_steps.tobytes()
    pieces: list[Tensors] = [small.SerializeToString()]
    for array in answer.outputs:
        pieces += _field(pb.FleetOutputs.OUTPUTS_FIELD_NUMBER, array.nbytes), array.reshape(-1).data
    size = sum(memoryview(piece).nbytes for piece in pieces)
    return b"".join((_field(pb.FleetResponse.OUTPUTS_FIELD_NUMBER, size), *pieces))


def _field(number: int, size: int) -> bytes:
    """What is before a field of so many bytes: protobuf's encoding, wire type LEN."""
    return varint(number << 3 | 2) + varint(size)


def output(handle: int, answer: Output, durable_step: int) -> pb.FleetResponse:
    return pb.FleetResponse(
        outputs=pb.FleetOutputs(
            handles=handle.to_bytes(_HANDLE.itemsize, "little"),
            steps=answer.number.to_bytes(_NUMBER.itemsize, "little"),
            outputs=answer.outputs,
            verdicts=answer.verdict.to_bytes(_VERDICT.itemsize, "little"),
            durable_steps=durable_step.to_bytes(_NUMBER.itemsize, "little"),
            batch_size=answer.batch_size,
            queue_us=messages.microseconds(answer.queued),
            compute_us=messages.microseconds(answer.computed),
        )
    )


def errors(answers: Iterable[tuple[int, StepError]]) -> pb.FleetResponse:
    """Each with the handle of its stream."""
    return pb.FleetResponse(
        errors=pb.FleetErrors(
            errors=[
                pb.FleetError(handle=handle, error=messages.error(given))
                for handle, given in answers
            ]
        )
    )


def durable(handles: Array, durable_steps: Array) -> pb.FleetResponse:
    return pb.FleetResponse(
        durable=pb.FleetDurable(
            handles=handles.astype(_HANDLE).tobytes(), durable_steps=durable_steps.tobytes()
        )
    )


def opened(tag: int, handle: int, result: pb.Opened) -> pb.FleetMemberOpened:
    return pb.FleetMemberOpened(tag=tag, handle=handle, opened=result)


def not_opened(tag: int, error: ServiceError) -> pb.FleetMemberOpened:
    return pb.FleetMemberOpened(tag=tag, refused=_refusal(error))


def left(handle: int, error: ServiceError | None) -> pb.FleetResponse:
    """`error`: None where the client asked for it."""
    return pb.FleetResponse(
        left=pb.FleetLeft(handle=handle, refused=_refusal(error) if error else None)
    )


def going_away(reason: str) -> pb.FleetResponse:
    return pb.FleetResponse(going_away=pb.GoingAway(reason=reason))


def _refusal(error: ServiceError) -> pb.FleetRefusal:
    return pb.FleetRefusal(error=error.name, message=str(error))
