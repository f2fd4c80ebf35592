"""A checkpoint as versioned bytes; proto/stepwire/v1/checkpoint.proto says what they mean."""

from __future__ import annotations

import zlib

from google.protobuf.message import DecodeError

from service.checkpoint.store import CheckpointUnreadable
from service.core.checkpoint import Checkpoint
from service.core.streams import ModelKey
from stepwire.v1.checkpoint_pb2 import CheckpointBody, CheckpointEnvelope

FORMAT = 1


def encode(checkpoint: Checkpoint) -> bytes:
    body = CheckpointBody(
        model=checkpoint.model.name,
        version=checkpoint.model.version,
        digest=checkpoint.digest,
        numerics=checkpoint.numerics,
        next_step=checkpoint.next_step,
        states=checkpoint.states,
        outputs=checkpoint.outputs,
        seals=checkpoint.seals,
        holder=checkpoint.holder,
    ).SerializeToString()
    return CheckpointEnvelope(
        format=FORMAT, checksum=zlib.crc32(body), body=body
    ).SerializeToString()


def decode(data: bytes) -> Checkpoint:
    """The checkpoint that `encode` was given. Raises CheckpointUnreadable."""
    envelope = _envelope(data)
    if envelope.format > FORMAT:
        raise CheckpointUnreadable(
            f"the checkpoint has format {envelope.format}, of a newer version of Stepwire; "
            f"this one reads up to format {FORMAT}"
        )
    if envelope.format != FORMAT or not envelope.body:
        raise _damaged(data)
    if envelope.checksum != zlib.crc32(envelope.body):
        raise _damaged(data)
    return _checkpoint(envelope.body)


def _envelope(data: bytes) -> CheckpointEnvelope:
    try:
        return CheckpointEnvelope.FromString(data)
    except DecodeError as error:
        raise _damaged(data) from error


def _checkpoint(body: bytes) -> Checkpoint:
    try:
        saved = CheckpointBody.FromString(body)
    except DecodeError as error:
        raise _damaged(body) from error
    return Checkpoint(
        model=ModelKey(saved.model, saved.version),
        digest=saved.digest,
        numerics=saved.numerics,
        next_step=saved.next_step,
        states=tuple(saved.states),
        outputs=tuple(saved.outputs),
        seals=tuple(saved.seals),
        holder=saved.holder,
    )


def _damaged(data: bytes) -> CheckpointUnreadable:
    return CheckpointUnreadable(f"the {len(data)} bytes of the checkpoint are damaged")
