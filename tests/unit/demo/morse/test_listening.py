"""Listening with a network that is made up."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest

from demo.morse.listening import Moment, listen
from models.tasks.morse.code import LABELS
from stepwire import InvalidInput
from stepwire.sync import Stream
from stepwire.tensors import Signature
from stepwire.v1 import stream_pb2 as pb


class Scripted:
    """Finds one label after another the likeliest, and remembers what it was sent."""

    def __init__(self, *labels: int, features: tuple[str, ...] = LABELS) -> None:
        level = pb.TensorSpec(name="loudness", dtype="float32", shape=[1])
        label = pb.TensorSpec(
            name="label", dtype="float32", shape=[len(features)], features=features
        )
        self.signature = Signature(pb.Signature(inputs=[level], outputs=[label]))
        self.sent: list[float] = []
        self._labels = labels

    def step(self, inputs: list[float]) -> np.typing.NDArray[np.float64]:
        scores = np.full(len(LABELS), -9.0)
        scores[self._labels[len(self.sent)]] = -0.1
        self.sent += inputs
        return scores


def test_letters_appear_as_the_path_reaches_them() -> None:
    stream, waited = Scripted(0, 1, 1, 0, 1, 27), list[int]()
    levels = [0.0, 0.5, 1.0, 0.5, 0.25, 0.0]
    moments = list(listen(cast(Stream, stream), levels, waited.append))
    assert stream.sent == levels
    assert waited == list(range(6))
    assert moments[1] == Moment(0.5, "A")
    assert [moment.added for moment in moments] == ["", "A", "", "", "A", " "]


@pytest.mark.parametrize("features", [LABELS[:-1], LABELS[::-1]])
def test_a_model_of_other_labels_is_refused(features: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput, match="name a --model that takes one loudness"):
        list(listen(cast(Stream, Scripted(0, features=features)), [0.0], lambda step: None))
