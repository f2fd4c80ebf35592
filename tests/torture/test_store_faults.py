"""Redis is away, and comes back with more or less."""

from __future__ import annotations

from pathlib import Path

import pytest

from torture.store_faults import Fault, take_the_store_away


@pytest.mark.usefixtures("redis")
@pytest.mark.parametrize("fault", Fault)
async def test_streams_go_on_without_the_store_and_are_caught_up_after(
    tmp_path: Path, fault: Fault
) -> None:
    await take_the_store_away(tmp_path, faults=[fault], away=0.5, streams=4)
