"""More load than fits."""

from __future__ import annotations

from pathlib import Path

from torture.overload import offer_twice_the_load


async def test_who_does_not_fit_is_refused_and_a_flood_fills_no_memory(tmp_path: Path) -> None:
    # How long a step takes on a machine that also does other things is not judged here.
    figures = await offer_twice_the_load(
        tmp_path,
        hidden=512,
        rate_hz=50.0,
        seconds=2.0,
        deaf=16,
        most_ratio=None,
        most_grown=64 * 2**20,
    )
    assert figures.admitted < figures.offered
    assert figures.refusals > 10
