"""What every command of the training side shares."""

from __future__ import annotations

import io

from models.cli import Refused


def test_a_refusal_is_one_line_whatever_its_reason() -> None:
    shown = io.StringIO()
    Refused("config.json is wrong:\n  inputs.name\n    a string").show(shown)
    assert shown.getvalue() == "error: config.json is wrong: inputs.name a string\n"
