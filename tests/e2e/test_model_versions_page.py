"""The page on model versions, command by command."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import stepwire.sync
from tests.pages import ROOT, Page, ran
from torture.processes import running

PAGE = Page("docs/model-versions.md")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    packages = Path("model_repository") / "pendulum-gru"
    shutil.copytree(ROOT / packages, tmp_path / packages)
    return tmp_path


def test_the_page_from_a_version_that_comes_to_one_that_goes(folder: Path) -> None:
    with running(folder / "model_repository", log=folder / "log") as server:

        def printed(heading: str, place: int = 0) -> str:
            command = f"stepwire models --server localhost:{server.port}"
            done = ran(
                PAGE.blocks(heading, "sh")[place].replace("stepwire models", command), folder
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        shown = PAGE.blocks("A version comes", "")[0]
        assert printed("A version comes") == shown
        assert printed("A version comes", 1) == "exit code 2\n"
        with stepwire.sync.connect(f"localhost:{server.port}") as client:
            with client.stream("pendulum-gru", version=1) as stream:
                stream.step([1.0, 0.0])
                assert "streams handed over: 1\n" in printed("Its streams")
                stream.step([1.0, 0.0])
                assert (stream.version, stream.next_step) == (2, 2)
        assert printed("A version goes") == "pendulum-gru/1, not loaded, streams: 0\n"
