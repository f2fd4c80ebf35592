"""Replicas restarted one after the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from torture.rolling import restart_every_replica


@pytest.mark.usefixtures("redis", "haproxy")
async def test_a_rolling_restart_under_load_loses_nothing(tmp_path: Path) -> None:
    figures = await restart_every_replica(tmp_path, replicas=3, rounds=1, streams=8)
    assert figures.restarts == 3 and len(figures.pauses) == 8
