"""A checkpoint: a stream as it was between two timesteps."""

from __future__ import annotations

from dataclasses import dataclass

from service.core.streams import ModelKey


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything that the next timestep depends on, and the answers that may be given again."""

    model: ModelKey
    digest: str
    """Of the model file."""
    numerics: str
    """The arithmetic that made it: equal strings give equal bits."""
    next_step: int
    states: tuple[bytes, ...]
    """Per state of the signature, in C order without batch axis."""
    outputs: tuple[bytes, ...]
    """Per output of the signature, the kept ones from the oldest to step `next_step - 1`."""
    seals: tuple[int, ...]
    """Of each kept step: the checksum of its inputs and its verdict."""
    holder: bytes = b""
    """Of the newest open."""
