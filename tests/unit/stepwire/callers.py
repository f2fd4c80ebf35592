"""A stream as the client numbers its timesteps, and those who wait for them."""

from __future__ import annotations

from stepwire import errors
from stepwire.history import History
from stepwire.sequence import Sequence, Timestep
from stepwire.v1 import stream_pb2 as pb

SIGNATURE = pb.Signature(inputs=[pb.TensorSpec(name="x", dtype="uint8", shape=[1])])
PLENTY = 2**20


class Caller:
    """Waits for one timestep."""

    def __init__(self, sequence: Sequence, name: str = "x", budget: float | None = None) -> None:
        self.output: pb.Output | None = None
        self.error: errors.StepwireError | None = None
        self.timestep = Timestep((name.encode(),), budget, 10.0, self._succeed, self._fail)
        sequence.add(self.timestep)

    def _succeed(self, output: pb.Output) -> None:
        assert self.output is None and self.error is None
        self.output = output

    def _fail(self, error: errors.StepwireError) -> None:
        assert self.output is None and self.error is None
        self.error = error


def opened(
    next_step: int, *, durable: bool = False, durable_step: int = 0, version: int = 1
) -> pb.Opened:
    return pb.Opened(
        next_step=next_step,
        durable=durable,
        durable_step=durable_step,
        version=version,
        signature=SIGNATURE,
    )


def fresh(server_next: int = 0, from_step: int | None = None, *, durable: bool = False) -> Sequence:
    sequence = Sequence(History(PLENTY))
    sequence.opened(opened(server_next, durable=durable, durable_step=server_next), from_step)
    return sequence


def sent(sequence: Sequence) -> list[tuple[int, bytes]]:
    return [(step.step, step.inputs[0]) for step in messages(sequence)]


def messages(sequence: Sequence) -> list[pb.Step]:
    taken = []
    while timestep := sequence.take_unsent():
        taken.append(timestep.message(now=10.0).step)
    return taken


def answer(
    sequence: Sequence,
    *numbers: int,
    durable_step: int = 0,
    verdict: pb.Verdict.ValueType = pb.VERDICT_ON_TIME,
) -> None:
    for number in numbers:
        sequence.on_output(pb.Output(step=number, verdict=verdict, durable_step=durable_step))


def answered(names: str, *, durable_step: int = 0) -> Sequence:
    """A durable stream that has run one step for each name."""
    sequence = fresh(durable=True)
    for number, name in enumerate(names):
        Caller(sequence, name)
        sent(sequence)
        answer(sequence, number, durable_step=durable_step)
    return sequence


def refusal(step: int, code: pb.StepError.Code.ValueType) -> pb.StepError:
    return pb.StepError(step=step, code=code, message="no", next_step=step)
