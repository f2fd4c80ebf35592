"""Requests of Triton's protocol, message by message."""

from __future__ import annotations

import numpy as np

from stepwire.inference import inference_pb2 as pb

_ONE = np.ones((1, 1), np.float32)


def request(step: int) -> pb.ModelInferRequest:
    """A numbered timestep of a sequence of an accumulator."""
    made = pb.ModelInferRequest(model_name="accumulator", raw_input_contents=[_ONE.tobytes()])
    made.inputs.add(name="x", datatype="FP32", shape=_ONE.shape)
    made.parameters["sequence_id"].int64_param = 7
    made.parameters["sequence_start"].bool_param = step == 0
    made.parameters["step"].int64_param = step
    return made
