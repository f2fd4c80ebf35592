"""kill -9 of the server, under sequences of Triton's API."""

from __future__ import annotations

from pathlib import Path

from torture.sequences import crash_under_sequences


async def test_a_killed_server_loses_and_doubles_no_numbered_timestep(tmp_path: Path) -> None:
    done = await crash_under_sequences(
        tmp_path, store="sqlite", crashes=2, sequences=8, up=(0.5, 1.0), seed=1
    )
    assert done.account.steps > 0
