"""Fleets over raw calls and through the client library, under everything that can happen."""

from __future__ import annotations

from pathlib import Path

from torture.fleet_crashes import crash_under_fleets
from torture.fleet_cuts import cut_fleets_at_every_point
from torture.fleet_mix import mix_fleets


async def test_each_step_of_a_fleet_takes_effect_once_wherever_its_call_is_cut(
    tmp_path: Path,
) -> None:
    figures = await cut_fleets_at_every_point(tmp_path, stride=31)
    assert figures.cuts > 80 and figures.closed > 20


async def test_a_killed_server_loses_and_doubles_nothing_of_fleets(tmp_path: Path) -> None:
    await crash_under_fleets(tmp_path, crashes=3, streams=6, up=(0.5, 1.0))


async def test_what_happens_to_some_streams_of_a_fleet_disturbs_no_others(tmp_path: Path) -> None:
    figures = await mix_fleets(tmp_path, rounds=8, fleets=3, streams=6)
    assert figures.refused > 100 and figures.senseless > 0 and figures.taken > 0
