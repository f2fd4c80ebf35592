"""`stepwire demo sentiment`: what it takes."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from demo.command import demo


@pytest.mark.parametrize(("text", "stdin"), [("", None), ("-", "\n"), ("*", None)])
def test_a_review_without_a_word_is_refused(text: str, stdin: str | None) -> None:
    result = CliRunner().invoke(demo, ["sentiment", text], input=stdin)
    assert result.exit_code == 2
    assert result.stderr == "error: there is no word in the review: give some text\n"
