"""kill -9 of the server, under load."""

from __future__ import annotations

from pathlib import Path

import pytest

from torture.crashes import crash_under_load


async def test_a_killed_server_loses_and_doubles_nothing_with_sqlite(tmp_path: Path) -> None:
    await crash_under_load(tmp_path, store="sqlite", crashes=3, streams=8, up=(0.0, 1.5))


@pytest.mark.usefixtures("redis")
async def test_a_killed_server_loses_and_doubles_nothing_with_redis(tmp_path: Path) -> None:
    await crash_under_load(tmp_path, store="redis", crashes=3, streams=8, up=(0.0, 1.5))
