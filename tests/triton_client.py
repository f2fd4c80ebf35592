"""What a client of Triton gets from a server: scripts of `tests.triton`, run as processes."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from service.core.model import Array
from torture.programs import NotInstalled
from torture.triton_client import TritonClient

Call = tuple[str, dict[str, Any]]
"""A method of Triton's client, and keyword arguments."""

Way = tuple[str, str]
"""A kind of client, "sync" or "aio", and of call, "unary" or "stream"."""

WAYS: tuple[Way, ...] = (("sync", "unary"), ("sync", "stream"), ("aio", "unary"), ("aio", "stream"))

_SCRIPTS = Path(__file__).parent / "triton"


def triton_client() -> TritonClient:
    """Skips the test where there is none and none can be installed."""
    try:
        return TritonClient()
    except NotInstalled as missing:
        pytest.skip(str(missing))


def played(client: TritonClient, script: str, *arguments: str, stdin: object = None) -> Any:
    """What a script prints; both are JSON."""
    given = "" if stdin is None else json.dumps(stdin)
    return json.loads(client.run(_SCRIPTS / f"{script}.py", *arguments, stdin=given))


def told(client: TritonClient, address: str, kind: str, calls: Sequence[Call]) -> list[Any]:
    """The answer to each call; `kind`: "sync" or "aio"."""
    outcomes = played(client, "calls", address, kind, stdin=calls)
    assert all("answer" in outcome for outcome in outcomes), outcomes
    return [outcome["answer"] for outcome in outcomes]


def refusals(
    client: TritonClient, address: str, kind: str, calls: Sequence[Call]
) -> list[tuple[str, str]]:
    """Status and message of each call; none succeeds."""
    outcomes = played(client, "calls", address, kind, stdin=calls)
    assert not any("answer" in outcome for outcome in outcomes), outcomes
    return [(outcome["status"], outcome["message"]) for outcome in outcomes]


def step(
    model: str,
    sequence: int | str,
    *,
    id_: str = "",
    start: bool = False,
    end: bool = False,
    version: str = "",
    outputs: Sequence[str] | None = None,
    number: int | None = None,
    **inputs: Array,
) -> dict[str, Any]:
    """A timestep for `answers`. `inputs`: each of the shape of one timestep of one stream."""
    return {
        "model": model,
        "version": version,
        "id": id_,
        "sequence": sequence,
        "start": start,
        "end": end,
        "inputs": {name: _tensor(array) for name, array in inputs.items()},
        "outputs": outputs,
        "parameters": {} if number is None else {"step": number},
    }


def _tensor(array: Array) -> dict[str, Any]:
    return {
        "dtype": array.dtype.name,
        "shape": (1, *array.shape),
        "data": array.tobytes().hex(),
    }


def answers(
    client: TritonClient, address: str, way: Way, steps: Sequence[Mapping[str, Any]]
) -> list[Any]:
    """As `tests.triton.steps` tells them, which see."""
    return list(played(client, "steps", address, *way, stdin=steps))


def measured(client: TritonClient, report: Path, *arguments: str) -> dict[str, float]:
    """What `perf_analyzer` reports in the last line of its table; it needs no quiet machine.

    Skips the test where the program cannot run.
    """
    lenient = ("--stability-percentage", "1000", "--measurement-mode", "count_windows")
    brief = ("--measurement-request-count", "50", "--max-threads", "1", "-f", str(report))
    try:
        done = client.perf_analyzer(*arguments, *lenient, *brief)
    except NotInstalled as missing:
        pytest.skip(str(missing))
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    *_, last = csv.DictReader(report.read_text().splitlines())
    return {name: float(value) for name, value in last.items()}
