"""Streams that come and go."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from torture.churn import let_streams_come_and_go
from torture.memory import Growth, Memory, resident


async def test_no_slot_is_leaked_by_streams_that_come_and_go(tmp_path: Path) -> None:
    # So short a run ends while memory still warms up.
    figures = await let_streams_come_and_go(
        tmp_path, steps=30_000, streams=200, idle_limit=3.0, most_growth=0.25
    )
    assert figures.lives > 500


def test_growth_is_from_the_end_of_the_warm_up_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory(os.getpid())
    sizes = [*range(100, 130), *[200] * 60, *[220] * 10]
    readings = [(place / 100, size) for place, size in enumerate(sizes)]
    monkeypatch.setattr(memory, "_readings", readings)
    assert memory.growth(warm=0.3) == Growth(200, 220)
    assert memory.growth(warm=0.3).share == pytest.approx(0.1)
    assert memory.peak == 220


def test_resident_memory_is_read_in_bytes() -> None:
    before = resident(os.getpid())
    ballast = bytearray(b"x" * 50_000_000)
    assert 30_000_000 < resident(os.getpid()) - before < 100_000_000
    del ballast
