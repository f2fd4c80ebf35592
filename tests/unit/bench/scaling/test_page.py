"""docs/scaling.md shows what the commands print, and nothing that they do not."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.scaling import checking, constants, page, tables
from bench.scaling.checking import CASES, Figures
from bench.scaling.command import scaling
from stepwire.refused import Refused
from tests.unit.bench.scaling.given import CONSTANTS

_TEXT = """# Page

<!-- one -->
<!-- end of one -->

Between.

<!-- two -->old<!-- end of two -->
"""


def test_the_tables_of_the_page_are_those_of_the_commands() -> None:
    found = constants.read()
    text = page.FILE.read_text(encoding="utf-8")
    assert page.rewritten(text, page.blocks(found, checking.read())) == text
    printed = CliRunner().invoke(scaling, ["table"], catch_exceptions=False).output
    for name, block in page.sums(found).items():
        assert f"{name}\n\n{block}\n" in printed


def test_every_mark_of_the_page_has_its_table() -> None:
    text = page.FILE.read_text(encoding="utf-8")
    marks = re.findall(r"<!-- (?!end of )(.+?) -->", text)
    blocks = {"constants", "check", *page.sums(CONSTANTS)}
    assert sorted(marks) == sorted(blocks)


def test_what_stands_between_marks_is_replaced_and_nothing_else() -> None:
    written = page.rewritten(_TEXT, {"one": "| a \\1 |", "two": "new"})
    assert written == (
        "# Page\n\n<!-- one -->\n\n| a \\1 |\n\n<!-- end of one -->\n\nBetween.\n\n"
        "<!-- two -->\n\nnew\n\n<!-- end of two -->\n"
    )
    assert page.rewritten(written, {"one": "| a \\1 |", "two": "new"}) == written


@pytest.mark.parametrize("text", ["# Page\n", _TEXT + _TEXT])
def test_a_page_without_its_marks_or_with_more_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="one"):
        page.rewritten(text, {"one": "table"})


def test_a_page_that_is_refused_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text(_TEXT, encoding="utf-8")
    with pytest.raises(Refused):
        page.write({"one": "table", "three": "table"}, file)
    assert file.read_text(encoding="utf-8") == _TEXT
    assert list(tmp_path.iterdir()) == [file]


def test_each_load_is_compared_with_its_simulation() -> None:
    measured = {name: checking.expected(CONSTANTS, case) for name, case in CASES.items()}
    assert set(re.findall(r"\((.+?)%\)", tables.checks(CONSTANTS, measured))) == {"+0"}
    twice = {
        name: Figures(2 * each.cpu, 2 * each.batch, 2 * each.p50, 2 * each.p99)
        for name, each in measured.items()
    }
    assert set(re.findall(r"\((.+?)%\)", tables.checks(CONSTANTS, twice))) == {"-50"}
