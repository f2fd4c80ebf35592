"""Which tests can run here. What is missing deselects its tests, and a line says so."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Generator
from typing import TypeVar

import pytest
from hypothesis import settings

# How long an example takes is the machine's affair.
settings.register_profile("stepwire", deadline=None)
settings.load_profile("stepwire")

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def _runs(*command: str) -> bool:
    if shutil.which(command[0]) is None:
        return False
    try:
        return subprocess.run(command, capture_output=True, timeout=30).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _docker_is_there() -> bool:
    composes = _runs("docker", "compose", "version") or _runs("docker-compose", "version")
    return composes and _runs("docker", "info")


def _gpu_is_there() -> bool:
    from service.runtime.choice import chosen  # loads ONNX Runtime

    return not chosen("auto").device.is_host


_NEEDS: dict[str, tuple[Callable[[], bool], str]] = {
    "docker": (_docker_is_there, "no Docker engine with compose can be reached"),
    "gpu": (_gpu_is_there, "there is no CUDA device to compute on"),
}
_DESELECTED = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a skipped test is a failure")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    lines = config.stash.setdefault(_DESELECTED, [])
    for mark, (is_there, reason) in _NEEDS.items():
        marked = [item for item in items if item.get_closest_marker(mark)]
        if marked and not is_there():
            items[:] = [item for item in items if item not in marked]
            config.hook.pytest_deselected(items=marked)
            lines.append(f"deselected the {mark} tests ({len(marked)}): {reason}")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for line in config.stash.get(_DESELECTED, []):
        terminalreporter.write_line(line, yellow=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _judged(item.config, (yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _judged(collector.config, (yield))


def _judged(config: pytest.Config, report: Report) -> Report:
    """Under --no-skips a skip becomes a failure; an expected failure is no skip."""
    if config.getoption("--no-skips") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped: {report.longrepr}"
    return report
