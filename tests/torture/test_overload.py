"""More load than fits."""

from __future__ import annotations

from pathlib import Path

from torture.burst import open_all_at_once
from torture.flood import flood_and_read_nothing
from torture.overload import offer_twice_the_load


async def test_who_does_not_fit_is_refused(tmp_path: Path) -> None:
    # How long a step takes on a machine that also does other things is not judged here.
    figures = await offer_twice_the_load(
        tmp_path,
        hidden=512,
        rate_hz=50.0,
        rounds=1,
        seconds=3.0,
        most_ratio=None,
        most_grown=64 * 2**20,
    )
    assert figures.admitted < figures.offered
    assert figures.refusals > 10


async def test_clients_that_read_nothing_are_held_back_and_fill_no_memory(tmp_path: Path) -> None:
    figures = await flood_and_read_nothing(
        tmp_path, clients=8, messages=20_000, most_grown=64 * 2**20
    )
    assert figures.most_sent < 10_000


async def test_a_fleet_that_comes_all_at_once_is_taken(tmp_path: Path) -> None:
    await open_all_at_once(tmp_path, streams=2_500)
