"""The benchmark from end to end, in few and short rounds: every row is measured."""

from __future__ import annotations

import json
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

from bench import parts
from tests.redis_server import redis_running

ASKED = (
    ("service, 64 streams: server CPU per step", "echo + arithmetic"),
    ("service, 256 streams: server CPU per step", "echo + arithmetic"),
    ("service, 64 streams of GRU 2 × 256: server CPU per step", "echo + arithmetic"),
    ("service, 1 stream: round trip p50", "inline echo"),
    ("service, 1 stream: round trip p99", "inline echo"),
    ("fleet, 256 streams a message: steps/s", "arithmetic"),
    ("fleet, 64 streams a message: steps/s", "echo"),
    ("coalesced, 256 streams of a client: steps per second of server CPU", "apart"),
    ("sqlite, 64 streams: server CPU per step", "memory"),
    ("redis, 64 streams: server CPU per step", "memory"),
)


@pytest.mark.timeout(300)
def test_one_run_measures_every_row_and_writes_its_findings(tmp_path: Path) -> None:
    with redis_running(tmp_path):
        pass  # the rows of saving need it
    run = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    entries = json.loads((tmp_path / "bench.json").read_text())
    assert {(entry["what"], entry["against"]) for entry in entries} >= set(ASKED)
    assert all(entry["min"] <= entry["ratio"] <= entry["max"] for entry in entries)
    assert sum("memory per stream beyond its state" in entry["what"] for entry in entries) == 2
    page = unescape((tmp_path / "bench.html").read_text())
    for part in parts.PARTS:
        assert part.title in run.stdout and part.title in page


def test_an_unknown_part_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "bench", "--only", "everything", "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2 and "'messages'" in run.stderr
    assert list(tmp_path.iterdir()) == []
