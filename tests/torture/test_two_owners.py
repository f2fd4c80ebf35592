"""Two servers, one of which has lost the store, and one stream."""

from __future__ import annotations

from pathlib import Path

import pytest

from torture.two_owners import Parting, give_streams_two_owners


@pytest.mark.usefixtures("redis")
@pytest.mark.parametrize("parting", Parting)
async def test_of_two_owners_one_makes_history_and_the_other_is_told(
    tmp_path: Path, parting: Parting
) -> None:
    figures = await give_streams_two_owners(tmp_path, partings=[parting], streams=3)
    assert figures.discarded > 0
