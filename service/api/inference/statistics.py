"""What is counted of steps, as Triton's clients read it: counts, and nanoseconds in all."""

from __future__ import annotations

from service.core.counts import LaneReading, StepCounts
from stepwire.inference import inference_pb2 as pb


def model_statistics(reading: LaneReading, epoch: float) -> pb.ModelStatistics:
    """`epoch`: the time since 1970 when the server's clock was 0, in seconds."""
    steps = reading.steps
    return pb.ModelStatistics(
        name=reading.model.name,
        version=str(reading.model.version),
        last_inference=round((epoch + steps.last) * 1e3) if steps.ran else 0,
        inference_count=steps.ran,
        execution_count=steps.batches,
        inference_stats=_inference(steps),
        batch_stats=[_batch(steps, size) for size in sorted(steps.sizes)],
    )


def _inference(steps: StepCounts) -> pb.InferStatistics:
    shared = sum(size * seconds for size, seconds in steps.seconds.items())
    answered = steps.ran + steps.held + steps.replays
    return pb.InferStatistics(
        success=_duration(answered, steps.queue.total + shared + steps.write.total),
        fail=_duration(steps.faults.total()),
        queue=_duration(steps.ran, steps.queue.total),
        compute_input=_duration(steps.ran),
        compute_infer=_duration(steps.ran, shared),
        compute_output=_duration(steps.ran, steps.write.total),
    )


def _batch(steps: StepCounts, size: int) -> pb.InferBatchStatistics:
    runs = steps.sizes[size]
    return pb.InferBatchStatistics(
        batch_size=size,
        compute_input=_duration(runs),
        compute_infer=_duration(runs, steps.seconds[size]),
        compute_output=_duration(runs),
    )


def _duration(count: int, seconds: float = 0.0) -> pb.StatisticDuration:
    return pb.StatisticDuration(count=count, ns=round(seconds * 1e9))
