"""What an answer says beside its outputs."""

from __future__ import annotations

from typing import Literal, NamedTuple

from stepwire.v1 import stream_pb2 as pb

Verdict = Literal["on_time", "late", "held"]

_VERDICTS: dict[int, Verdict] = {
    pb.VERDICT_ON_TIME: "on_time",
    pb.VERDICT_LATE: "late",
    pb.VERDICT_HELD: "held",
}


class StepInfo(NamedTuple):
    """How the newest answered step fared. Times in seconds."""

    step: int
    verdict: Verdict
    batch_size: int
    """Streams that shared the run; 0 if nothing ran for this answer."""
    queued: float
    computed: float

    @classmethod
    def of(cls, output: pb.Output) -> StepInfo:
        return cls(
            output.step,
            _VERDICTS[output.verdict],
            output.batch_size,
            output.queue_us * 1e-6,
            output.compute_us * 1e-6,
        )
