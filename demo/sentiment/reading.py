"""Reading a review to a served network: one stream, one word per message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from demo.pace import Wait
from models.tasks.sentiment.vocabulary import UNKNOWN, known
from stepwire import InvalidInput
from stepwire.sync import Stream


class Moment(NamedTuple):
    word: str
    is_known: bool
    """It was sent as itself, not as an unknown word."""
    score: float
    """The probability that the review is positive."""


def read(stream: Stream, words: Sequence[str], wait: Wait) -> Iterator[Moment]:
    """The moments of a review. Raises InvalidInput for another kind of model."""
    _check_signature(stream)
    symbols = known(words, stream.signature.inputs[0].symbols)
    for place, (word, symbol) in enumerate(zip(words, symbols, strict=True)):
        wait(place)
        yield Moment(word, word == symbol, float(stream.step(symbol)[0]))


def _check_signature(stream: Stream) -> None:
    inputs, outputs = stream.signature.inputs, stream.signature.outputs
    reads_words = len(inputs) == 1 and UNKNOWN in inputs[0].symbols
    if not reads_words or [tensor.shape for tensor in outputs] != [(1,)]:
        raise InvalidInput(
            f"the model takes {list(inputs)} and gives {list(outputs)}: name a --model that takes "
            f"words, {UNKNOWN} among them, and gives one score"
        )
