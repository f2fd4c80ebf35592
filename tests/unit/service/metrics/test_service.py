from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version

import pytest

from service.metrics.service import HIGHEST, families
from tests.unit.service.metrics.made import GRU, LSTM, readings, value

MADE = list(families(readings()))


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        ("stepwire_info", {"release": version("stepwire"), "device": "cpu"}, 1),
        ("stepwire_streams", GRU | {"state": "attached"}, 7),
        ("stepwire_streams", GRU | {"state": "detached"}, 4),
        ("stepwire_streams_limit", {}, 100),
        ("stepwire_calls", {"protocol": "fleet"}, 1),
        ("stepwire_opens_total", GRU, 20),
        ("stepwire_opens_refused_total", {"reason": "TOO_MANY_STREAMS"}, 9),
        ("stepwire_streams_closed_total", GRU, 5),
        ("stepwire_streams_expired_total", GRU, 3),
        ("stepwire_streams_lost_total", GRU | {"reason": "STREAM_TAKEN_OVER"}, 2),
        ("stepwire_streams_spilled_total", GRU, 1),
        ("stepwire_streams_spilled_total", LSTM, 0),
        ("stepwire_slots_used", GRU, 11),
        ("stepwire_steps_total", GRU, 40),
        ("stepwire_steps_total", LSTM, 0),
        ("stepwire_late_steps_total", GRU, 3),
        ("stepwire_held_steps_total", GRU, 2),
        ("stepwire_replayed_steps_total", GRU, 5),
        ("stepwire_step_errors_total", GRU | {"code": "STEP_GAP"}, 6),
        ("stepwire_batches_total", GRU, 10),
        ("stepwire_step_errors_total", GRU | {"code": "RUN_FAILED"}, 0),
        ("stepwire_queue_seconds_sum", GRU, 7.25004),
        ("stepwire_queue_seconds_count", GRU, 3),
        ("stepwire_queue_seconds_bucket", GRU | {"le": "2e-05"}, 0),
        ("stepwire_queue_seconds_bucket", GRU | {"le": "5e-05"}, 1),
        ("stepwire_queue_seconds_bucket", GRU | {"le": "0.2"}, 1),
        ("stepwire_queue_seconds_bucket", GRU | {"le": "5.0"}, 2),
        ("stepwire_queue_seconds_bucket", GRU | {"le": "+Inf"}, 3),
        ("stepwire_compute_seconds_sum", GRU, 0.5),
        ("stepwire_compute_seconds_count", GRU, 10),
        ("stepwire_write_seconds_count", GRU, 1),
        ("stepwire_jitter_seconds_sum", GRU, 0.003),
        ("stepwire_batch_size_bucket", GRU | {"le": "1.0"}, 4),
        ("stepwire_batch_size_bucket", GRU | {"le": "4.0"}, 4),
        ("stepwire_batch_size_bucket", GRU | {"le": "8.0"}, 10),
        ("stepwire_batch_size_sum", GRU, 40),
        ("stepwire_device_rows", GRU | {"state": "used"}, 6),
        ("stepwire_device_rows", GRU | {"state": "free"}, 2),
        ("stepwire_host_slots", GRU, 5),
        ("stepwire_device_entries_total", GRU, 30),
        ("stepwire_spills_total", GRU, 24),
        ("stepwire_store_rounds_total", {}, 12),
        ("stepwire_store_records_written_total", {}, 80),
        ("stepwire_store_records_refused_total", {}, 2),
        ("stepwire_store_failures_total", {}, 1),
        ("stepwire_store_round_seconds_count", {}, 1),
        ("stepwire_store_degraded", {}, 1),
        ("stepwire_oldest_unsaved_step_age_seconds", GRU, 30.5),
        ("stepwire_oldest_unsaved_step_age_seconds", LSTM, 0),
    ],
)
def test_each_count_has_its_metric(name: str, labels: dict[str, str], expected: float) -> None:
    assert value(MADE, name, **labels) == pytest.approx(expected)


def test_the_process_is_measured_too() -> None:
    assert value(MADE, "process_resident_memory_bytes") > 2**20


def test_without_a_durable_store_nothing_is_said_of_one() -> None:
    names = {family.name for family in families(readings(store=None))}
    assert not any("store" in name or "unsaved" in name for name in names)
    assert "stepwire_steps" in names


def test_of_rows_of_a_device_nothing_is_said_where_each_slot_has_one() -> None:
    lanes = tuple(replace(lane, device=None) for lane in readings().lanes)
    names = {family.name for family in families(readings(lanes=lanes))}
    assert not any("device" in name or "host" in name or "spills" in name for name in names)
    [rows] = [family for family in MADE if family.name == "stepwire_device_rows"]
    assert {sample.labels["model"] for sample in rows.samples} == {"gru"}


def test_of_a_version_that_has_left_service_every_total_stays() -> None:
    made = readings()
    past = tuple(lane.out_of_service() for lane in made.lanes)
    told = list(families(readings(lanes=(), past=past)))
    for before, after in zip(MADE, told, strict=True):
        if before.name.startswith("stepwire_") and before.type != "gauge":
            assert after.samples == before.samples
    levels = (
        "stepwire_streams",
        "stepwire_slots_used",
        "stepwire_device_rows",
        "stepwire_host_slots",
    )
    for family in (family for family in told if family.name in levels):
        assert [sample.value for sample in family.samples] == [0] * len(family.samples)
        assert family.samples


def test_what_is_combined_by_the_highest_is_a_gauge_that_is_there() -> None:
    kinds = {family.name: family.type for family in MADE}
    assert {kinds.get(name) for name in HIGHEST} == {"gauge"}
