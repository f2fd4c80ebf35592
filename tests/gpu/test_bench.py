"""The benchmark on a CUDA device."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from bench.cuda import command, measuring
from bench.cuda.command import cuda
from bench.cuda.rounds import Plan
from bench.package import LARGE, SMALL

pytestmark = pytest.mark.gpu

_PLAN = Plan(
    sizes=(1, 1024, 4096),
    rounds=1,
    seconds=0.01,
    served=(64,),
    served_rounds=1,
    served_seconds=0.5,
    first_steps=2,
)


def test_a_quick_run_measures_every_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "NETWORKS", (SMALL, LARGE))
    monkeypatch.setattr(command, "QUICK", _PLAN)
    result = CliRunner().invoke(cuda, ["--device", "cuda", "--quick"])
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Measured on cuda:0: ")
    titles = [line[4:] for line in result.stdout.splitlines() if line.startswith("### ")]
    assert titles[0] == "What was asked" and titles[-1] == "The service"
    print(result.stdout)
