"""`stepwire demo forecast`: what it takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from demo.command import demo
from demo.forecast import command


def ran(*arguments: str) -> Result:
    return CliRunner().invoke(demo, ["forecast", *arguments])


@pytest.mark.parametrize("content", ["", "day,sales\n", "day,sales\n2024-01-01\n"])
def test_a_file_that_is_no_table_is_refused_before_a_service_starts(
    tmp_path: Path, content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(command, "served")
    path = tmp_path / "t.csv"
    path.write_text(content)
    result = ran("--csv", str(path))
    assert result.exit_code == 2
    [line] = result.stderr.splitlines()
    assert line.startswith(f"error: {path}")


@pytest.mark.parametrize("speed", ["0", "fast", "nan"])
def test_a_speed_is_max_or_above_zero(speed: str) -> None:
    result = ran("--speed", speed)
    assert result.exit_code == 2 and "neither `max` nor a number above zero" in result.stderr
