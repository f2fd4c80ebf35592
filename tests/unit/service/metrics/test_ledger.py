from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.metrics_core import Metric

from service.core.counts import LaneReading, Readings, StepCounts, StoreCounts, StoreReading
from service.core.histogram import Histogram
from service.core.streams import ModelKey
from service.metrics.ledger import Ledger
from service.metrics.service import families
from tests.unit.service.metrics.made import GRU, readings, value


def running(ran: int, slots: int = 1) -> list[Metric]:
    queue = Histogram()
    queue.repeat(0.1, ran)
    lane = LaneReading(ModelKey("gru", 3), slots, StepCounts(ran=ran, queue=queue))
    return list(families(readings(lanes=(lane,))))


@pytest.fixture
def ledger() -> Ledger:
    ledger = Ledger()
    ledger.update("1", running(100, slots=4))
    ledger.update("2", running(20, slots=2))
    return ledger


def steps(ledger: Ledger) -> float:
    return value(ledger.families(), "stepwire_steps_total", **GRU)


def test_counts_and_levels_are_added(ledger: Ledger) -> None:
    assert steps(ledger) == 120
    assert value(ledger.families(), "stepwire_slots_used", **GRU) == 6
    assert value(ledger.families(), "stepwire_queue_seconds_sum", **GRU) == 12
    assert value(ledger.families(), "stepwire_streams", **GRU, state="attached") == 6


def test_histograms_of_workers_are_added_bound_by_bound() -> None:
    ledger = Ledger()
    for worker, waited in (("1", 0.001), ("2", 0.03), ("3", 0.03)):
        queue = Histogram()
        queue.add(waited)
        lane = LaneReading(ModelKey("gru", 3), 1, StepCounts(queue=queue))
        ledger.update(worker, families(readings(lanes=(lane,))))
    ledger.retire("3")
    [family] = [each for each in ledger.families() if each.name == "stepwire_queue_seconds"]
    bounds = [each.labels["le"] for each in family.samples if each.name.endswith("_bucket")]
    assert bounds == sorted(bounds, key=float) and bounds[-1] == "+Inf"
    below = {
        each.labels["le"]: each.value for each in family.samples if each.name.endswith("_bucket")
    }
    assert (below["0.0005"], below["0.001"], below["0.02"], below["0.05"]) == (0, 1, 1, 3)
    assert below["+Inf"] == value([family], "stepwire_queue_seconds_count", **GRU) == 3


def test_an_update_replaces_the_one_before(ledger: Ledger) -> None:
    ledger.update("1", running(130, slots=5))
    assert steps(ledger) == 150
    assert value(ledger.families(), "stepwire_slots_used", **GRU) == 7


def test_totals_go_on_over_the_death_of_a_worker_and_levels_do_not(ledger: Ledger) -> None:
    ledger.retire("1")
    assert steps(ledger) == 120
    assert value(ledger.families(), "stepwire_queue_seconds_count", **GRU) == 120
    assert value(ledger.families(), "stepwire_slots_used", **GRU) == 2
    ledger.update("1", running(5))
    assert steps(ledger) == 125
    ledger.retire("1")
    ledger.update("1", running(1))
    assert steps(ledger) == 126


@given(st.lists(st.tuples(st.sampled_from("12"), st.integers(0, 9), st.booleans())))
def test_nothing_that_was_told_is_lost_or_told_twice(
    told: list[tuple[str, int, bool]],
) -> None:
    ledger, lives = Ledger(), Counter[str]()
    ledger.update("3", running(0))
    for worker, more, dies in told:
        if dies:
            ledger.retire(worker)
            lives[worker] = 0
        else:
            lives[worker] += more
            ledger.update(worker, running(lives[worker]))
    assert steps(ledger) == sum(more for _, more, dies in told if not dies)


def test_a_worker_that_died_before_it_was_read_is_no_matter(ledger: Ledger) -> None:
    ledger.retire("3")
    assert steps(ledger) == 120


def test_with_every_worker_gone_the_totals_are_still_told(ledger: Ledger) -> None:
    ledger.retire("1")
    ledger.retire("2")
    assert steps(ledger) == 120
    shown = {family.name: len(family.samples) for family in ledger.families()}
    assert shown["stepwire_slots_used"] == 0


def with_store(degraded_for: float | None, unsaved_for: float) -> Readings:
    ages = {ModelKey("gru", 3): unsaved_for}
    return readings(store=StoreReading(StoreCounts(), degraded_for, ages))


def test_the_service_is_as_degraded_as_its_worst_worker() -> None:
    ledger = Ledger()
    ledger.update("1", families(with_store(None, 0.1)))
    ledger.update("2", families(with_store(4.0, 4.5)))
    ledger.update("3", families(with_store(2.0, 2.5)))
    assert value(ledger.families(), "stepwire_store_degraded") == 1
    assert value(ledger.families(), "stepwire_oldest_unsaved_step_age_seconds", **GRU) == 4.5


def test_processes_are_told_apart(ledger: Ledger) -> None:
    for worker in ("1", "2"):
        assert value(ledger.families(), "process_cpu_seconds_total", worker=worker) > 0
    ledger.retire("2")
    [family] = [each for each in ledger.families() if each.name == "process_cpu_seconds"]
    assert [sample.labels for sample in family.samples] == [{"worker": "1"}]
