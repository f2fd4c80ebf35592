"""What stands between marks is written anew, and the rest of the page stays."""

from pathlib import Path

import pytest

from bench import marked
from stepwire.refused import Refused

_TEXT = """# Page

<!-- one -->
<!-- end of one -->

Between.

<!-- two -->old<!-- end of two -->
"""


def test_what_stands_between_marks_is_replaced_and_nothing_else() -> None:
    written = marked.rewritten(_TEXT, {"one": "| a \\1 |", "two": "new"})
    assert written == (
        "# Page\n\n<!-- one -->\n\n| a \\1 |\n\n<!-- end of one -->\n\nBetween.\n\n"
        "<!-- two -->\n\nnew\n\n<!-- end of two -->\n"
    )
    assert marked.rewritten(written, {"one": "| a \\1 |", "two": "new"}) == written


@pytest.mark.parametrize("text", ["# Page\n", _TEXT + _TEXT])
def test_a_page_without_its_marks_or_with_more_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="one"):
        marked.rewritten(text, {"one": "table"})


def test_a_page_that_is_refused_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text(_TEXT, encoding="utf-8")
    with pytest.raises(Refused):
        marked.write({"one": "table", "three": "table"}, file)
    assert file.read_text(encoding="utf-8") == _TEXT
    assert list(tmp_path.iterdir()) == [file]
