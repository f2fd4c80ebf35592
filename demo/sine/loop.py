"""Hearing a noisy sine, then going on with it: one stream, one timestep per message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from demo.pace import Wait
from models.tasks.sine.wave import AHEAD, HEARD, sines
from stepwire import InvalidInput
from stepwire.sync import Stream


class Moment(NamedTuple):
    timestep: int
    given: float
    """What was sent: a noisy value, or the network's own last answer."""
    answer: float
    """What the network foretells for the next timestep."""
    true: float
    """The sine without noise at the next timestep."""
    heard: bool
    """The value given came from the sine."""


def listen(stream: Stream, rng: np.random.Generator, wait: Wait) -> Iterator[Moment]:
    """The moments of a sine drawn from `rng`. Raises InvalidInput for another kind of model."""
    _check_signature(stream)
    noisy, clean = (wave[0, :, 0].tolist() for wave in sines(1, HEARD + AHEAD, rng))
    answer = 0.0
    for timestep in range(HEARD + AHEAD - 1):
        wait(timestep)
        heard = timestep < HEARD
        given = noisy[timestep] if heard else answer
        answer = float(stream.step([given])[0])
        yield Moment(timestep, given, answer, clean[timestep + 1], heard)


def closed_loop_errors(moments: Sequence[Moment]) -> tuple[float, float]:
    """Root mean square, past the last value heard: the network's, and that of repeating it."""
    ahead = moments[HEARD - 1 :]
    last_heard = ahead[0].given
    true = np.array([moment.true for moment in ahead])
    answers = np.array([moment.answer for moment in ahead])
    return _rms(answers - true), _rms(last_heard - true)


def _rms(errors: np.typing.NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(errors**2)))


def _check_signature(stream: Stream) -> None:
    inputs, outputs = stream.signature.inputs, stream.signature.outputs
    if [tensor.shape for tensor in (*inputs, *outputs)] != [(1,), (1,)]:
        raise InvalidInput(
            f"the model takes {list(inputs)} and gives {list(outputs)}: name a --model that takes "
            "one value and gives the next"
        )
