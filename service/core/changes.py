"""Changes from outside: what becomes of the checkpoint of a stream whose state is set."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from service.core.checkpoint import Checkpoint
from service.core.errors import InvalidRequest
from service.core.model import Signature, TensorSpec

LAST_STEP = 2**52
"""The latest step that a stream can be put to: stores count as far again, by one a timestep."""
_HOLDER_BYTES = 8


class GivenTensor(NamedTuple):
    name: str
    data: bytes
    """The elements in C order, little-endian, without batch axis."""
    dtype: str = ""
    """NumPy's name; empty: not said."""
    shape: tuple[int, ...] = ()
    """Without the batch axis; empty: not said."""


@dataclass(frozen=True, slots=True)
class GivenState:
    """What a stream is to go on from."""

    tensors: tuple[GivenTensor, ...]
    next_step: int | None = None
    """None: the stream keeps its own."""
    digest: str = ""
    """Of the model file that the state comes from; empty: not said."""
    numerics: str = ""
    """The arithmetic that made it; empty: that of the server."""


def put(
    before: Checkpoint, given: GivenState, signature: Signature, digest: str, numerics: str
) -> Checkpoint:
    """The checkpoint with other states and without kept outputs.

    `signature`, `digest` and `numerics` are those of the model that serves. Raises
    InvalidRequest if the states are not this model's, or hold NaN or Inf that it does not take.
    """
    if given.digest not in ("", digest):
        raise InvalidRequest(
            f"the state was made by a model file with the digest {given.digest[:64]}, and "
            f"{before.model} serves {digest}: put it without a digest if it fits all the same"
        )
    next_step = before.next_step if given.next_step is None else given.next_step
    if not 0 <= next_step <= LAST_STEP:
        raise InvalidRequest(f"a stream is put to a step from 0 to 2^52, not {next_step}")
    return Checkpoint(
        before.model,
        digest,
        given.numerics or numerics,
        next_step,
        states_of(signature, given.tensors),
        outputs=(b"",) * len(signature.outputs),
        seals=(),
        holder=nobody(),
    )


def nobody() -> bytes:
    """A holder that no client is: one that was cut off meanwhile is told when it comes back."""
    return secrets.token_bytes(_HOLDER_BYTES)


def states_of(signature: Signature, given: Sequence[GivenTensor]) -> tuple[bytes, ...]:
    """The states in signature order. Raises InvalidRequest."""
    specs = [state.input for state in signature.states]
    if Counter(tensor.name for tensor in given) != Counter(spec.name for spec in specs):
        names = ", ".join(repr(tensor.name) for tensor in given) or "none"
        raise InvalidRequest(f"the states are {_listed(specs)}, each once; got {names}")
    by_name = {tensor.name: tensor for tensor in given}
    for spec in specs:
        _check(spec, by_name[spec.name], signature.takes_non_finite)
    return tuple(by_name[spec.name].data for spec in specs)


def _check(spec: TensorSpec, given: GivenTensor, takes_non_finite: bool) -> None:
    if given.dtype not in ("", spec.dtype.name) or given.shape not in ((), spec.shape):
        raise InvalidRequest(f"the state is {spec}; got {given.dtype}{list(given.shape)}")
    if len(given.data) != spec.nbytes:
        raise InvalidRequest(
            f"the state {spec} has {spec.nbytes} bytes; got {len(given.data)} bytes"
        )
    if not takes_non_finite and _is_non_finite(spec, given.data):
        raise InvalidRequest(f"state {spec.name!r} holds NaN or Inf")


def _is_non_finite(spec: TensorSpec, data: bytes) -> bool:
    return spec.dtype.kind == "f" and not np.isfinite(np.frombuffer(data, spec.dtype)).all()


def _listed(specs: Sequence[TensorSpec]) -> str:
    return ", ".join(map(str, specs)) or "none"
