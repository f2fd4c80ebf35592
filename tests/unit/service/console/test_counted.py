from __future__ import annotations

from collections import Counter

from service.console.counted import Counted
from service.core.counts import StepCounts
from service.core.errors import StepFault


def test_what_a_lane_counts_is_taken_over() -> None:
    counts = StepCounts(ran=40, late=3, held=2, replays=5)
    counts.faults = Counter({StepFault.STEP_GAP: 6, StepFault.STEP_LATE: 1})
    counts.sizes = Counter({1: 4, 3: 2, 5000: 1})
    for _ in range(40):
        counts.queue.add(15e-6)
    counts.compute.add(3.0)
    counts.write.repeat(15e-6, 40)
    counted = Counted.of(counts)
    assert (counted.ran, counted.late, counted.held, counted.replays) == (40, 3, 2, 5)
    assert (counted.errors, counted.batches) == (7, 7)
    assert counted.sizes[:3] == (4, 0, 2)
    assert counted.sizes[-1] == 1
    assert counted.queue[:3] == (0, 40, 0)
    assert sum(counted.compute) == 1
    assert counted.write[:3] == (0, 40, 0)


def test_counts_add_up_and_subtract() -> None:
    one = Counted(ran=4, errors=1, sizes=(1, 2))
    other = Counted(ran=6, batches=2, sizes=(3, 4, 5))
    both = one + other
    assert both == Counted(ran=10, errors=1, batches=2, sizes=(4, 6, 5))
    assert both.since(one) == other
    assert one + Counted() == one


def test_between_a_look_and_one_before_it_nothing_has_come() -> None:
    assert Counted(ran=1, sizes=(0, 1)).since(Counted(ran=9, sizes=(4, 0))) == Counted(sizes=(0, 1))
