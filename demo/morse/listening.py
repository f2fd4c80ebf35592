"""A key's loudness to a served network, and its letters back: one stream, a timestep a message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from demo.pace import Wait
from models.tasks.morse.code import BLANK, LABELS, grown
from stepwire import InvalidInput
from stepwire.sync import Stream


class Moment(NamedTuple):
    loudness: float
    added: str
    """The character that the timestep adds to the text, or none."""


def listen(stream: Stream, loudness: Sequence[float], wait: Wait) -> Iterator[Moment]:
    """The moments of a message, decoded greedily: `models.tasks.morse.code.best_path` step by step.

    Raises InvalidInput for another kind of model.
    """
    _check_signature(stream)
    before = BLANK
    for timestep, level in enumerate(loudness):
        wait(timestep)
        label = int(np.argmax(stream.step([level])))
        yield Moment(level, grown(before, label))
        before = label


def _check_signature(stream: Stream) -> None:
    inputs, outputs = stream.signature.inputs, stream.signature.outputs
    shapes = [tensor.shape for tensor in (*inputs, *outputs)]
    if shapes != [(1,), (len(LABELS),)] or outputs[0].features != LABELS:
        raise InvalidInput(
            f"the model takes {list(inputs)} and gives {list(outputs)}: name a --model that takes "
            f"one loudness and gives a log-probability of each of {len(LABELS)} labels"
        )
