"""Malformed messages, drawn from a seed."""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Sequence

import numpy as np
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError

from stepwire.v1 import stream_pb2 as pb
from torture.frames import Garbler
from torture.grammar import Grammar
from torture.mutator import Mutator
from torture.package import FEATURES, NAME

_FAR = (2, 3, 9, 100, 2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1)
"""Numbers of steps that a stream which has run one does not expect."""
_INPUT_BYTES = 4 * FEATURES


class BadMessages:
    """Those of one sender."""

    def __init__(self, source: random.Random, strangers: Sequence[str]) -> None:
        self.source = source
        self._strangers = strangers
        self._mutator = Mutator(source)
        self.garbler = Garbler(source, self._mutator.mutate)
        self._to_streams = Grammar(source, [NAME, "mine", "1"])
        # Its messages name streams that are not its own, and no model: unloading the model
        # of the streams beside it would be no malformed request.
        self._to_others = Grammar(source, [*strangers, "nothing"])

    def message(self, method: MethodDescriptor) -> bytes:
        """For the RPC: drawn from its grammar, and mutated as often as not."""
        to_streams = method.containing_service.name == "StreamInference"
        grammar = self._to_streams if to_streams else self._to_others
        data = grammar.message(method.input_type).SerializeToString()
        return self._mutator.mutate(data) if self.source.random() < 0.5 else data

    def stolen_open(self) -> bytes:
        """An open that would join a stream, with another token."""
        return open_request(
            pb.Open(
                model=self.source.choice((NAME, "")),
                stream_id=self.source.choice(self._strangers),
                mode=self.source.choice((0, 1, 2, 4)),  # type: ignore[arg-type] # numbers
                token=self.source.randbytes(self.source.choice((0, 1, 15, 16, 16, 17))),
                holder=self.source.randbytes(8),
            )
        )

    def bad_step(self, inputs: Sequence[bytes]) -> bytes:
        """For a stream that has run step 0 and expects step 1."""
        while True:
            message = pb.StreamRequest(step=self._step(inputs))
            data = message.SerializeToString()
            if self.source.random() < 0.05:
                data = self._mutator.mutate(data)
            if not _is_sound(data, inputs):
                return data

    def _step(self, inputs: Sequence[bytes]) -> pb.Step:
        made = self._to_streams.message(pb.Step.DESCRIPTOR)
        assert isinstance(made, pb.Step)
        if self.source.random() < 0.5:
            made.step = self.source.choice((0, 1, *_FAR))
        if self.source.random() < 0.5:
            made.inputs[:] = [self.source.choice(inputs)]
        elif self.source.random() < 0.3:
            made.inputs[:] = [self._not_finite()]
        return made

    def _not_finite(self) -> bytes:
        """An input of the right size, one element of which no number is."""
        row = [0.5] * FEATURES
        row[self.source.randrange(FEATURES)] = self.source.choice((math.inf, -math.inf, math.nan))
        return struct.pack(f"<{FEATURES}f", *row)


def open_request(opening: pb.Open) -> bytes:
    return pb.StreamRequest(open=opening).SerializeToString()


def _is_sound(data: bytes, inputs: Sequence[bytes]) -> bool:
    """Whether a stream that expects step 1 does well to take this message."""
    try:
        message = pb.StreamRequest.FromString(data)
    except DecodeError:
        return False
    if message.WhichOneof("event") != "step":
        return message.WhichOneof("event") == "close"
    step = message.step
    if step.step == 0:
        return list(step.inputs) == [inputs[0]]
    if step.step != 1 or [len(tensor) for tensor in step.inputs] != [_INPUT_BYTES]:
        return False
    # The input of a step that was held is not looked at.
    held = step.verdict == pb.VERDICT_HELD
    return held or bool(np.isfinite(np.frombuffer(step.inputs[0], "<f4")).all())
