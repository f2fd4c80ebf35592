"""`stepwire generate`: what it takes."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from demo.text.command import generate


def invoked(*arguments: str) -> Result:
    return CliRunner().invoke(generate, arguments)


@pytest.mark.parametrize(
    ("option", "value"), [("--characters", "0"), ("--temperature", "-1"), ("--seed", "-1")]
)
def test_a_value_out_of_range_is_refused(option: str, value: str) -> None:
    result = invoked(option, value)
    assert result.exit_code == 2
    assert option in result.stderr


def test_a_service_of_ones_own_and_another_are_a_choice() -> None:
    assert invoked("--connect", "127.0.0.1:1", "--repository", "models").exit_code == 2
