"""`stepwire demo pendulum`: what it takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from demo.command import demo


def invoked(*arguments: str) -> Result:
    return CliRunner().invoke(demo, ["pendulum", *arguments])


@pytest.mark.parametrize("speed", ["0", "-1", "nan", "fast"])
def test_a_speed_is_a_number_above_zero_or_max(speed: str) -> None:
    result = invoked("--speed", speed)
    assert result.exit_code == 2
    assert "neither `max` nor a number above zero" in result.stderr


def test_a_speed_that_no_clock_can_wait_for_is_refused() -> None:
    result = invoked("--speed", "1e-12")
    assert result.exit_code == 2
    assert "'1e-12' is too slow to watch: take 0.001 or more" in result.stderr


def test_too_short_to_stand_is_refused() -> None:
    result = invoked("--seconds", "2")
    assert result.exit_code == 2
    assert "--seconds" in result.stderr


def test_a_picture_that_cannot_be_written_is_refused_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = invoked("--picture", str(tmp_path / "file" / "picture.png"))
    assert result.exit_code == 2
    assert result.stderr.startswith("error: cannot write ")
    assert result.stderr.endswith("; choose another --picture\n")
    assert len(result.stderr.splitlines()) == 1


def test_the_help_tells_the_exit_codes() -> None:
    text = " ".join(invoked("--help").stdout.split())
    assert "The exit code is 0 only if the pendulum of --model stands at the end" in text
