"""`stepwire demo memory`: what it takes."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from demo.command import demo


@pytest.mark.parametrize(
    ("option", "value"),
    [("--length", "1"), ("--delay", "3"), ("--episodes", "0"), ("--seed", "-1")],
)
def test_what_is_too_little_is_refused(option: str, value: str) -> None:
    result = CliRunner().invoke(demo, ["memory", option, value])
    assert result.exit_code == 2
    assert option in result.stderr
