"""The page on Triton's clients: its programs print what it shows, and its command runs."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.api.errors import STATUS, STEP_STATUS
from tests.pages import ADDRESS, ROOT, Page
from torture.processes import Server, running
from torture.programs import NotInstalled
from torture.triton_client import LIBRARY_PACKAGE, ONLY_BUILT, PACKAGES, TritonClient

PAGE = Page("docs/triton.md")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    repository = tmp_path / "models"
    shutil.copytree(ROOT / "model_repository" / "sine-gru", repository / "sine-gru")
    with running(repository, log=tmp_path / "log") as own:
        yield own


def test_the_page_prints_what_it_shows(
    triton: TritonClient, server: Server, tmp_path: Path
) -> None:
    shown = re.findall(r"^```python\n(.*?)^```\n\n```\n(.*?)^```$", PAGE.text, re.M | re.S)
    assert len(shown) == PAGE.text.count("```python")
    for place, (source, output) in enumerate(shown):
        script = tmp_path / f"{place}.py"
        script.write_text(source.replace(ADDRESS, server.address))
        assert triton.run(script) == output


def test_the_page_installs_what_the_tests_run() -> None:
    _, install, activate = PAGE.block("sh", "-m venv").replace("\\\n", "").splitlines()
    pip, *arguments = shlex.split(install)
    assert pip.removesuffix("pip") == activate.removeprefix(". ").removesuffix("activate")
    assert arguments == ["install", *ONLY_BUILT, *PACKAGES]
    assert PAGE.block("sh", LIBRARY_PACKAGE) == f"apt-get install -y {LIBRARY_PACKAGE}\n"


def test_the_command_for_perf_analyzer_runs(triton: TritonClient, server: Server) -> None:
    try:
        triton.perf_analyzer("--version")
    except NotInstalled as missing:
        pytest.skip(str(missing))
    command = PAGE.block("sh", "perf_analyzer").replace(ADDRESS, server.address).rstrip()
    brief = "--stability-percentage 1000 --measurement-interval 500"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"{command} {brief}"],
        env={**os.environ, "PATH": f"{triton.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert re.search(r"Throughput: [1-9][0-9.]* infer/sec", done.stdout)


def test_errors_have_the_statuses_that_the_page_says() -> None:
    statuses = {error.name: code.name for error, code in STATUS.items()}
    statuses |= {fault.name: code.name for fault, code in STEP_STATUS.items()}
    for _, status, names in PAGE.table("what is wrong"):
        for name in re.findall(r"\w+", names):
            assert statuses[name] == status, name
