"""What a comparison makes of failures on the way; a whole one is in tests/e2e."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from compare import comparison, served
from compare.comparison import Setting, conduct
from compare.contestants import Contestant
from compare.progress import Watch
from compare.results import Results
from demo.server import ServiceFailed
from export.source import ExportRefused
from models.networks import Architecture
from models.tasks.sine.task import Sine
from models.tasks.task import Recipe

SIZES = {
    Contestant("gru", size, ("hidden size",)): Architecture(1, 1, "gru", size) for size in (2, 3)
}


def conducted() -> Results:
    setting = Setting(Sine(), {}, Recipe(rounds=1, batches=1, batch=2), (4, 5), SIZES)
    watch = Watch(Console(file=io.StringIO()), Sine.headline, setting.trainings)
    return conduct(setting, {}, watch)


def test_a_network_that_export_refuses_is_scored_and_not_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(source: object, folder: Path) -> None:
        raise ExportRefused("the graph is not the network")

    monkeypatch.setattr(comparison, "export", refused)
    found = conducted()
    assert [[trial.seed for trial in entry.scored] for entry in found.entries] == [[4, 5], [4, 5]]
    assert [entry.served for entry in found.entries] == [None, None]
    assert found.notes == (
        "gru 2 was not served: the graph is not the network.",
        "gru 3 was not served: the graph is not the network.",
    )


def test_a_service_that_fails_costs_only_the_times(monkeypatch: pytest.MonkeyPatch) -> None:
    def failed(*_: object) -> None:
        raise ServiceFailed("did not start", "error: no room\n")

    monkeypatch.setattr(comparison, "export", lambda *_: None)
    monkeypatch.setattr(served, "costs", failed)
    found = conducted()
    assert [len(entry.scored) for entry in found.entries] == [2, 2]
    assert found.notes == ("No step was measured, the service failed: error: no room",)
