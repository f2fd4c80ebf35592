"""A handover that finds no memory for the streams at the newer version."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.core.errors import TooManyStreams
from tests.deployments import FIRST, PACKAGE, SECOND, Service


async def test_what_finds_none_keeps_its_streams_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service(tmp_path)
    stream = await service.open()
    await service.add(stream, 5.0)
    service.put(PACKAGE, 2)
    await service.load()

    def full(*_: object) -> None:
        raise TooManyStreams("no memory")

    monkeypatch.setattr(service.lanes[SECOND], "restore", full)
    outcome = await service.load(hand_over=True)
    assert outcome.moved == 0 and not outcome.error
    assert "accumulator/1 keeps its streams (1): no memory; load" in outcome.notes[0]
    again = await service.reconnect()
    assert again.stream.model == FIRST and await service.add(again, 1.0) == 6.0
