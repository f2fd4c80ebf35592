from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from service.command import serve
from service.settings import Settings, flag_of
from tests import foreign, graphs


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(serve, arguments)


def test_the_help_names_every_setting() -> None:
    shown = run("--help").output
    for name in (*Settings.model_fields, "config"):
        assert flag_of(name) in shown


def test_wrong_settings_are_told_line_by_line_with_exit_code_2() -> None:
    result = run("--window", "0", "--max-batch", "x")
    assert result.exit_code == 2
    assert [line.split(" ")[:2] for line in result.stderr.splitlines()] == [
        ["error:", "window"],
        ["error:", "max_batch"],
    ]


def test_a_missing_repository_is_told_with_exit_code_2(tmp_path: Path) -> None:
    result = run("--repository", str(tmp_path / "nowhere"))
    assert result.exit_code == 2
    assert result.stderr.startswith("error: there is no folder")


@pytest.mark.parametrize("content", [b"junk", foreign.memoryless().content])
def test_a_repository_without_a_model_that_may_serve_is_told(
    tmp_path: Path, content: bytes
) -> None:
    graphs.put(tmp_path, "junk", content)
    result = run("--repository", str(tmp_path))
    assert result.exit_code == 2
    assert "may serve: add a package with `stepwire export TARGET --to DIR`" in result.stderr


def test_a_stop_while_the_models_are_loading_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(_: Settings) -> None:
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr("service.command.load_process", stopped)
    assert run().exit_code == 128 + signal.SIGTERM
