"""Connections cut between any two bytes."""

from __future__ import annotations

from pathlib import Path

from torture.cuts import cut_at_every_point


async def test_each_step_takes_effect_once_wherever_its_connection_is_cut(tmp_path: Path) -> None:
    figures = await cut_at_every_point(tmp_path, in_flight=(1, 8), stride=13)
    assert figures.cuts > 50
