"""`stepwire demo morse`: what it takes."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from demo.command import demo


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SOS 1", "'1', character 5, cannot be keyed: give A to Z, spaces"),
        (" ", "there is no letter in the text: give some"),
    ],
)
def test_a_text_that_cannot_be_keyed_is_one_line(text: str, said: str) -> None:
    result = CliRunner().invoke(demo, ["morse", text])
    assert result.exit_code == 2
    assert result.stderr == f"error: {said}\n"
