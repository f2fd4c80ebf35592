"""`stepwire demo sine`: what it plays."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from click.testing import CliRunner

from demo.command import demo
from models.tasks.seeds import shown
from models.tasks.sine.wave import AHEAD, HEARD, sines
from tests.unit.demo.sine.halver import Halver


def test_the_sine_is_neither_trained_nor_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Halver()
    monkeypatch.setattr("demo.sine.command.served", lambda *_: nullcontext("somewhere:1"))
    monkeypatch.setattr("demo.sine.command.streaming", lambda *_: nullcontext(stream))
    result = CliRunner().invoke(demo, ["sine", "--seed", "3", "--speed", "max"])
    assert result.exit_code == 0, result.output
    noisy, _ = sines(1, HEARD + AHEAD, shown(3))
    assert stream.sent[:HEARD] == noisy[0, :HEARD, 0].tolist()
