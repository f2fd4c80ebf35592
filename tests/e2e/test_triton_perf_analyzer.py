"""Triton's own load generator, unmodified."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.triton_client import measured, told
from torture.processes import Server
from torture.triton_client import TritonClient


def counted(client: TritonClient, server: Server, model: str) -> dict[str, Any]:
    calls = [("get_inference_statistics", {"model_name": model, "model_version": "1"})]
    ((found,),) = (each["model_stats"] for each in told(client, server.address, "sync", calls))
    return dict(found)


@pytest.mark.parametrize(
    ("model", "flags"),
    [
        ("gru", ("--streaming", "--sequence-length", "10")),
        ("mixer", ("--streaming", "--sequence-length", "3", "--sequence-id-range", "7:12")),
        ("memoryless", ("--async",)),
    ],
)
def test_perf_analyzer_measures_a_model(
    triton: TritonClient, server: Server, tmp_path: Path, model: str, flags: tuple[str, ...]
) -> None:
    before = int(counted(triton, server, model).get("inference_count", 0))
    where = ("-u", server.address, "-i", "grpc")
    report = tmp_path / "report.csv"
    found = measured(triton, report, "-m", model, *where, *flags, "--concurrency-range", "4")
    assert found["Concurrency"] == 4
    assert found["Inferences/Second"] > 0
    assert found["Server Queue"] > 0 and found["Server Compute Infer"] > 0
    after = counted(triton, server, model)
    assert int(after["inference_count"]) >= before + 150  # 50 in each of three windows
    assert 0 < int(after["execution_count"]) <= int(after["inference_count"])
