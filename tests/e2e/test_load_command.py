"""`stepwire load` at real servers."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import graphs
from tests.certificates import Authority
from tests.e2e.deployed import ACCUMULATOR, serving
from tests.e2e.loading import PATIENCE, SHORT, await_steps, figures, loaded, started, steps_of
from torture.processes import Server, running
from torture.programs import free_ports

STALL, INTERVAL = 0.6, 0.25
"""Seconds. Of a stall, one interval of the figures is inside at least."""


@pytest.fixture(scope="module")
def server(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that has no streams but theirs."""
    with running(repository, log=tmp_path_factory.mktemp("load") / "log") as own:
        yield own


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A repository that is quickly loaded."""
    graphs.put(tmp_path / "repository", "accumulator", ACCUMULATOR)
    return tmp_path / "repository"


@pytest.mark.parametrize(
    "how",
    [
        "--protocol native --version 1 --arrivals poisson --processes 2 --connections 2",
        "--protocol native --closed-loop",
        "--protocol fleet --processes 2",
        "--protocol triton --version 1",
    ],
)
def test_every_step_is_answered_and_no_stream_is_left(
    server: Server, tmp_path: Path, how: str
) -> None:
    flags = ("--model", "accumulator", "--streams", "8", *how.split())
    made = figures(server.address, tmp_path, *flags)
    assert made["answered"] == made["due"] > 30
    assert made["errors"] == {}
    assert 0 < made["latency_us"]["p50"] <= made["latency_us"]["p99"] <= made["latency_us"]["max"]
    assert (made["model"], made["version"]) == ("accumulator", 1 if "--version 1" in how else 2)
    if "fleet" in how:
        # Those of a process are due together and travel together.
        assert made["batch_size"] > 2 and made["due"] == 8 * 10
    assert steps_of(server.address) == {}


def test_symbols_are_those_that_the_model_knows(bundled: Server, tmp_path: Path) -> None:
    assert figures(bundled.address, tmp_path, "--model", "text-gru")["errors"] == {}


def test_a_model_of_many_inputs_is_given_all(server: Server, tmp_path: Path) -> None:
    made = figures(server.address, tmp_path, "--model", "wide", "--protocol", "triton")
    assert made["answered"] == made["due"] and made["errors"] == {}


def test_a_stall_of_the_server_is_seen_by_the_steps_that_were_due_in_it(
    small: Path, tmp_path: Path
) -> None:
    """A loader that waits for answers before it asks again would see one slow step a stream."""
    file = tmp_path / "stall.json"
    flags = ("--streams", "2", "--rate", "40", "--duration", "30", "--ramp", "0")
    with serving(small) as server:
        process = started(server.address, "--model", "accumulator", *flags, "--json", str(file))
        await_steps(server.address, process, streams=2, steps=10)
        os.kill(server.process.pid, signal.SIGSTOP)
        time.sleep(STALL)  # this is the stall
        os.kill(server.process.pid, signal.SIGCONT)
        await_steps(server.address, process, streams=2, steps=60)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    made = json.loads(file.read_text())
    assert made["due"] == made["answered"] and made["errors"] == {}
    assert made["latency_us"]["max"] > 0.9 * STALL * 1e6
    # Such an interval ends well before the stall does: all of its steps wait, and half of them
    # for longer than from its middle to the end of the stall.
    within = (STALL - 1.5 * INTERVAL) * 1e6
    waited = [each for each in made["over_time"] if each["p50_us"] > within]
    assert any(each["misses"] == 2 * 40 * INTERVAL for each in waited)


def test_criteria_decide_the_exit_code(server: Server) -> None:
    criteria = ("p99>1us", "errors>0", "rate<1e6", "p99>60s")
    flags = (flag for text in criteria for flag in ("--fail-if", text))
    done = loaded(server.address, "--model", "accumulator", *SHORT, *flags)
    assert done.code == 1
    failed = [line for line in done.complained.splitlines() if line.startswith("failed: ")]
    assert len(failed) == 2
    assert re.fullmatch(r"failed: p99 is \S+ .?s, and --fail-if says p99>1us", failed[0])
    assert re.fullmatch(r"failed: rate is \S+/s, and --fail-if says rate<1e6", failed[1])
    assert done.lines[0].startswith("accumulator/2, 16 streams, 20/s each")


@pytest.mark.parametrize("protocol", ["native", "fleet", "triton"])
def test_a_model_that_is_not_there_is_told_in_a_line(server: Server, protocol: str) -> None:
    done = loaded(server.address, "--model", "no-such", "--protocol", protocol)
    assert (done.code, done.said) == (2, "")
    assert done.complained.startswith(f"error: {server.address}: ") and "no-such" in done.complained
    assert len(done.complained.splitlines()) == 1


def test_a_server_that_is_not_there_is_told_in_a_line() -> None:
    (port,) = free_ports(1)
    done = loaded(f"127.0.0.1:{port}", "--model", "accumulator")
    assert done.code == 2 and done.complained.startswith(f"error: 127.0.0.1:{port}: ")
    assert len(done.complained.splitlines()) == 1


def test_the_highest_rate_that_holds_is_found(server: Server, tmp_path: Path) -> None:
    """Of a criterion that no machine bends: a load of 500 steps/s or more reaches them."""
    page, file = tmp_path / "page.html", tmp_path / "found.json"
    done = loaded(
        *(server.address, "--model", "accumulator", "--streams", "4", "--duration", "0.5"),
        *("--ramp", "0.1", "--find-max", "rate<500", "--report", str(page), "--json", str(file)),
    )
    assert done.code == 0, done.complained
    found = json.loads(file.read_text())
    assert found["trials"][0]["rate_asked"] == 200
    assert 50 < found["best"]["rate_asked"] < 550
    assert found["trials"][-1]["purpose"] == "confirm" and found["trials"][-1]["held"]
    assert any("steps/s is the most that holds rate<500" in line for line in done.lines)
    assert "Latency by rate" in page.read_text()


def test_an_interrupt_ends_the_run_and_not_the_report(server: Server, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    process = started(
        *(server.address, "--model", "accumulator", "--duration", "60", "--ramp", "0"),
        *("--processes", "2", "--report", str(page)),
    )
    await_steps(server.address, process, streams=16, steps=5)
    os.killpg(process.pid, signal.SIGINT)
    said, complained = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, complained
    assert "Traceback" not in complained
    assert re.search(r"reached +\S+/s, [1-9]\d* of \d+ steps answered", said)
    assert "The run was interrupted." in page.read_text()
    assert steps_of(server.address) == {}


def test_a_load_that_is_killed_leaves_no_stream_behind(server: Server) -> None:
    process = started(server.address, "--model", "accumulator", "--duration", "60", "--ramp", "0")
    await_steps(server.address, process, streams=16, steps=1)
    process.kill()
    process.communicate(timeout=PATIENCE)
    deadline = time.monotonic() + PATIENCE
    while steps_of(server.address):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_server_with_a_certificate_is_loaded(small: Path, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    pair = authority.issue("localhost")
    secured = ("--tls-cert", str(pair.certificate), "--tls-key", str(pair.key))
    with serving(small, *secured) as server:
        made = figures(
            *(f"localhost:{server.port}", tmp_path, "--model", "accumulator"),
            *("--ca", str(authority.certificate)),
        )
    assert made["errors"] == {} and made["answered"] == made["due"]
