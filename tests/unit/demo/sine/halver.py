"""A stream of its own arithmetic."""

from __future__ import annotations

from stepwire.tensors import Signature
from stepwire.v1 import stream_pb2 as pb


class Halver:
    """Answers each value with half of it, and remembers what it was sent."""

    def __init__(self, width: int = 1) -> None:
        value = pb.TensorSpec(name="value", dtype="float32", shape=[width])
        self.signature = Signature(pb.Signature(inputs=[value], outputs=[value]))
        self.sent: list[float] = []

    def step(self, inputs: list[float]) -> list[float]:
        self.sent += inputs
        return [inputs[0] / 2]
