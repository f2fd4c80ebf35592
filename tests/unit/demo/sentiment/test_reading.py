"""Reading a review to a network that is made up."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest

from demo.sentiment.reading import Moment, read
from models.tasks.sentiment.vocabulary import UNKNOWN
from stepwire import InvalidInput
from stepwire.sync import Stream
from stepwire.tensors import Signature
from stepwire.v1 import stream_pb2 as pb


class Counter:
    """Answers how many words it was sent, in tenths."""

    def __init__(self, *symbols: str) -> None:
        word = pb.TensorSpec(name="word", dtype="int64", shape=[1], symbols=symbols)
        score = pb.TensorSpec(name="score", dtype="float32", shape=[1])
        self.signature = Signature(pb.Signature(inputs=[word], outputs=[score]))
        self.sent: list[str] = []

    def step(self, word: str) -> np.typing.NDArray[np.float64]:
        self.sent.append(word)
        return np.array([len(self.sent) / 10])


def test_a_word_a_message_and_the_unknown_one_for_those_it_does_not_know() -> None:
    stream, waited = Counter(UNKNOWN, "dull", "was"), list[int]()
    moments = list(read(cast(Stream, stream), ["was", "lush", "dull"], waited.append))
    assert stream.sent == ["was", UNKNOWN, "dull"]
    assert moments == [
        Moment("was", True, 0.1),
        Moment("lush", False, 0.2),
        Moment("dull", True, 0.3),
    ]
    assert waited == [0, 1, 2]


def test_a_model_that_reads_no_words_is_refused() -> None:
    with pytest.raises(InvalidInput, match="name a --model that takes words"):
        list(read(cast(Stream, Counter("a", "b")), ["a"], lambda place: None))
