"""The picture is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.pendulum.loop import Record
from demo.pendulum.picture import paint
from tests.unit.demo.pendulum.episodes import hanging, risen


@pytest.mark.parametrize(
    "records",
    [{"gru": risen(), "memoryless": hanging()}, {"gru": risen()}, {"gru": risen(61, 1)}],
    ids=["two", "one", "short"],
)
def test_a_picture_is_written(tmp_path: Path, records: dict[str, Record]) -> None:
    path = tmp_path / "picture"
    paint(path, records)
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG")
    assert len(data) < 200_000
