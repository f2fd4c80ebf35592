"""A table and a file of what was found."""

from __future__ import annotations

import json
from pathlib import Path

from torture.crashes import Crashes
from torture.diary import Account
from torture.report import Finding, table, write_json
from torture.rolling import RollingRestart

ACCOUNT = Account(steps=12_345, lost=0, doubled=0, different=0)
FINDINGS = [
    Finding("kill", 61.2, Crashes(100, ACCOUNT, longest_pause=1.234, seconds=60.0)),
    Finding("rolling", 5.0, RollingRestart(3, ACCOUNT, [0.5, 0.1, 0.25], seconds=4.0)),
    Finding("cuts", 1.0, broken="PromiseBroken: a step was lost"),
]


def test_each_scenario_has_its_counts_and_its_own_figures() -> None:
    assert table(FINDINGS).splitlines() == [
        "              promise        steps       lost    doubled  different       took",
        "kill          kept          12,345          0          0          0       61 s",
        "              crashes 100, longest pause 1.23",
        "rolling       kept          12,345          0          0          0        5 s",
        "              restarts 3, pauses median 0.25, most 0.5",
        "cuts          BROKEN                                                       1 s",
        "              PromiseBroken: a step was lost",
    ]


def test_the_file_holds_every_figure(tmp_path: Path) -> None:
    path = tmp_path / "new" / "torture.json"
    write_json(FINDINGS, path)
    kill, rolling, cuts = json.loads(path.read_text())
    assert kill["figures"]["account"]["steps"] == 12_345
    assert rolling["figures"]["pauses"] == [0.5, 0.1, 0.25]
    assert cuts == {
        "name": "cuts",
        "seconds": 1.0,
        "figures": None,
        "broken": "PromiseBroken: a step was lost",
    }
