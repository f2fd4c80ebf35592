from __future__ import annotations

import pytest

from service.api.inference.statistics import model_statistics
from service.core.counts import LaneReading, StepCounts
from service.core.errors import StepFault
from stepwire.inference import inference_pb2 as pb
from tests.fakes import MODEL


@pytest.fixture
def counts() -> StepCounts:
    """Ten steps in three runs, of which one was of eight streams, and some that did not run."""
    counts = StepCounts(ran=10, held=2, replays=3, last=20.5)
    counts.faults[StepFault.STEP_GAP] = 4
    counts.faults[StepFault.INVALID_INPUT] = 1
    for size, seconds in ((1, 0.5), (1, 0.25), (8, 2.0)):
        counts.sizes[size] += 1
        counts.seconds[size] += seconds
    counts.queue.repeat(0.125, 10)
    counts.write.repeat(0.25, 10)
    return counts


def statistics(counts: StepCounts, epoch: float = 0.0) -> pb.ModelStatistics:
    return model_statistics(LaneReading(MODEL, 0, counts), epoch)


def test_steps_are_inferences_and_runs_are_executions(counts: StepCounts) -> None:
    told = statistics(counts)
    assert (told.name, told.version) == (MODEL.name, str(MODEL.version))
    assert (told.inference_count, told.execution_count) == (10, 3)


def test_a_shared_run_counts_for_each_of_its_steps(counts: StepCounts) -> None:
    told = statistics(counts).inference_stats
    assert (told.compute_infer.count, told.compute_infer.ns) == (10, 16_750_000_000)
    assert (told.queue.count, told.queue.ns) == (10, 1_250_000_000)
    assert (told.compute_output.count, told.compute_output.ns) == (10, 2_500_000_000)
    assert told.success.ns == told.queue.ns + told.compute_infer.ns + told.compute_output.ns


def test_whatever_is_answered_with_outputs_succeeds(counts: StepCounts) -> None:
    told = statistics(counts).inference_stats
    assert (told.success.count, told.fail.count) == (15, 5)


def test_runs_are_told_by_their_sizes(counts: StepCounts) -> None:
    told = [
        (each.batch_size, each.compute_infer.count, each.compute_infer.ns)
        for each in statistics(counts).batch_stats
    ]
    assert told == [(1, 2, 750_000_000), (8, 1, 2_000_000_000)]


def test_the_last_run_is_told_by_the_calendar(counts: StepCounts) -> None:
    assert statistics(counts, epoch=1_000.0).last_inference == 1_020_500
    assert statistics(StepCounts(), epoch=1_000.0).last_inference == 0


def test_asking_changes_nothing(counts: StepCounts) -> None:
    before = dict(counts.sizes), dict(counts.seconds)
    assert statistics(counts) == statistics(counts)
    assert (dict(counts.sizes), dict(counts.seconds)) == before
