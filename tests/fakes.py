"""Small stand-ins shared by the tests."""

from __future__ import annotations

import numpy as np

from service.core.batch import Delivery
from service.core.errors import ServiceError
from service.core.model import GoldenRun, Signature
from service.core.steps import Answer, Output, StepError
from service.core.streams import Mode, ModelKey, OpenRequest
from service.lanes.lane import Lane
from service.runtime.accumulator import accumulate, accumulator_signature
from service.runtime.stepper import Stepper

MODEL = ModelKey("accumulator", 1)
TOKEN = bytes(range(16))
WINDOW = 4


class Connection:
    """An owner that writes down what it is told."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.ended: ServiceError | None = None
        self.asked_to_leave: ServiceError | None = None
        self.durable_step = 0

    def answer(self, answer: Answer) -> None:
        self.answers.append(answer)

    def durable(self, step: int) -> None:
        self.durable_step = step

    def end(self, error: ServiceError) -> None:
        self.ended = error

    def leave(self, error: ServiceError) -> None:
        self.asked_to_leave = error

    @property
    def outputs(self) -> list[Output]:
        return [answer for answer in self.answers if isinstance(answer, Output)]

    @property
    def errors(self) -> list[StepError]:
        return [answer for answer in self.answers if isinstance(answer, StepError)]


def accumulator_lane(*, model: ModelKey = MODEL, window: int = WINDOW, max_batch: int = 8) -> Lane:
    """A lane whose output is the running sum of its float32[1] input."""
    stepper = Stepper(accumulate, accumulator_signature())
    return Lane(model, "digest", stepper, window=window, max_batch=max_batch)


def turn_of(lane: Lane, now: float = 0.0) -> list[Delivery]:
    """One turn, as the engine takes it; its answers are for the caller to deliver."""
    run = lane.begin(now)
    lane.compute(run)
    return run.batch.settled + lane.finish(run, now)


def accumulator_golden(signature: Signature, steps: int = 32) -> GoldenRun:
    shape = signature.inputs[0].shape
    inputs = np.ones((steps, *shape), np.float32)
    return GoldenRun((inputs,), (np.cumsum(inputs, axis=0),), (1e-5,))


def number(value: float) -> bytes:
    return np.float32(value).tobytes()


def value(data: bytes) -> float:
    return float(np.frombuffer(data, np.float32)[0])


def request(
    stream_id: str = "robot",
    mode: Mode = Mode.CREATE,
    token: bytes = TOKEN,
    model: str = MODEL.name,
    version: int | None = None,
    holder: bytes = b"",
) -> OpenRequest:
    return OpenRequest(stream_id, token, mode, model, version, holder=holder)
