from __future__ import annotations

from importlib.metadata import version

import pytest

from service.metrics.service import HIGHEST, families
from tests.unit.service.metrics.made import GRU, readings, value

MADE = list(families(readings()))


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        ("stepwire_info", {"release": version("stepwire")}, 1),
        ("stepwire_streams", {"state": "attached"}, 7),
        ("stepwire_streams", {"state": "detached"}, 4),
        ("stepwire_opens_total", {}, 20),
        ("stepwire_opens_refused_total", {"reason": "TOO_MANY_STREAMS"}, 9),
        ("stepwire_streams_spilled_total", {}, 1),
        ("stepwire_slots_used", GRU, 11),
        ("stepwire_steps_total", GRU, 40),
        ("stepwire_steps_total", {"model": "lstm", "version": "1"}, 0),
        ("stepwire_late_steps_total", GRU, 3),
        ("stepwire_held_steps_total", GRU, 2),
        ("stepwire_replayed_steps_total", GRU, 5),
        ("stepwire_step_errors_total", GRU | {"code": "STEP_GAP"}, 6),
        ("stepwire_batches_total", GRU, 10),
        ("stepwire_queue_seconds_sum", GRU, 0.25),
        ("stepwire_queue_seconds_count", GRU, 40),
        ("stepwire_compute_seconds_sum", GRU, 0.5),
        ("stepwire_compute_seconds_count", GRU, 10),
        ("stepwire_store_rounds_total", {}, 12),
        ("stepwire_store_records_written_total", {}, 80),
        ("stepwire_store_records_refused_total", {}, 2),
        ("stepwire_store_failures_total", {}, 1),
        ("stepwire_store_degraded", {}, 1),
        ("stepwire_oldest_unsaved_step_age_seconds", {}, 30.5),
    ],
)
def test_each_count_has_its_metric(name: str, labels: dict[str, str], expected: float) -> None:
    assert value(MADE, name, **labels) == expected


def test_the_process_is_measured_too() -> None:
    assert value(MADE, "process_resident_memory_bytes") > 2**20


def test_without_a_durable_store_nothing_is_said_of_one() -> None:
    names = {family.name for family in families(readings(store=None))}
    assert not any("store" in name or "unsaved" in name for name in names)
    assert "stepwire_steps" in names


def test_what_is_combined_by_the_highest_is_a_gauge_that_is_there() -> None:
    kinds = {family.name: family.type for family in MADE}
    assert {kinds.get(name) for name in HIGHEST} == {"gauge"}
