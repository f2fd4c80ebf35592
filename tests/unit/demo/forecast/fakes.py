"""A stream that forecasts without a network, and moments such as a demo shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from demo.forecast.loop import Moment
from models.tasks.forecast.series import Series, features
from stepwire.sync import Stream
from stepwire.tensors import Signature
from stepwire.v1 import stream_pb2 as pb


class Prophet:
    """Reads `value` of daily rows that count, and is off by `error` at all steps."""

    def __init__(
        self,
        horizon: int = 3,
        error: float = 0.0,
        read: Sequence[str] = ("value",),
        answers: Sequence[str] = (),
    ) -> None:
        answers = answers or features("value", horizon)
        row = pb.TensorSpec(name="row", dtype="float32", shape=[len(read)], features=read)
        forecast = pb.TensorSpec(
            name="forecast", dtype="float32", shape=[len(answers)], features=answers
        )
        self.signature = Signature(pb.Signature(inputs=[row], outputs=[forecast]))
        self.sent: list[list[float]] = []
        self._ahead = np.arange(1, horizon + 1, dtype=np.float32) + np.float32(error)

    def step(self, inputs: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
        self.sent.append(inputs.tolist())
        forecast: npt.NDArray[Any] = inputs[0] + self._ahead
        return forecast

    def as_stream(self) -> Stream:
        return cast(Stream, self)


def moment(series: Series, row: int, error: float | None = None) -> Moment:
    """That of a perfect forecast, whatever its error so far is said to be."""
    forecast = [row + step for step in range(1, series.horizon + 1)]
    so_far = {} if error is None else {"network": error, "last value": 2.0}
    return Moment(row, [float(value) for value in forecast], so_far)
