"""The page on traces: its commands, its example, and its tables against what a server sends."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from service.settings import Settings, default_of
from tests.pages import ADDRESS, ROOT, Page, ran, shell
from tests.spans import Receiver, attributes
from torture.processes import running

PAGE = Page("docs/traces.md")


def described(table: list[list[str]]) -> set[str]:
    """The attributes in the first column of a table."""
    return {name for row in table for name in re.findall(r"[a-z_]+(?:\.[a-z_]+)+", row[0])}


def test_the_example_is_the_parent_of_what_a_server_sends(tmp_path: Path) -> None:
    command = PAGE.block("sh", "stepwire serve").replace("--trace-sample 0.01", "--trace-sample 0")
    example = PAGE.block("python", "start_as_current_span")
    with Receiver() as receiver:
        flags = command.replace("http://localhost:4318", receiver.url).split()[2:]
        with running(ROOT / "model_repository", *flags, log=tmp_path / "log") as server:
            script = tmp_path / "example.py"
            script.write_text(example.replace(ADDRESS, server.address))
            trace_id = shell(f"python {script}").strip()
            server.terminate()
            assert server.wait() == 0
        step, call = receiver.trace(trace_id, 2)
    assert call.parent_span_id
    calls, steps = (PAGE.text.split("| attribute | what it is |")[part] for part in (1, 2))
    of_calls, of_steps = attributes(call.attributes).keys(), attributes(step.attributes).keys()
    assert of_calls == described(rows(calls)) - {"error.type"}
    assert of_steps == described(rows(steps)) - {"stepwire.steps"}  # that of a fleet
    assert attributes(call.attributes)["stepwire.steps"] == 100
    assert [event.name for event in step.events] == ["compute", "write"]


def rows(text: str) -> list[list[str]]:
    lines = text.split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_the_page_has_the_share_that_is_the_default() -> None:
    assert f"--trace-sample {default_of('trace_sample')}\n" in PAGE.block("sh", "stepwire serve")
    assert "otlp_endpoint" in Settings.model_fields


def test_the_extra_that_the_page_installs_is_there() -> None:
    command = PAGE.block("sh", "pip install")
    assert ran(f"{command.strip()} --dry-run --no-deps --no-build-isolation -q").returncode == 0


@pytest.mark.parametrize("measured", ["if span", "tracer.begin", "call.stepped"])
def test_what_tracing_costs_can_be_measured_again(measured: str) -> None:
    command = PAGE.block("sh", measured).replace("-n 20000", "-n 100")
    assert ran(command).stdout.startswith("100 loops, best of 5: ")
