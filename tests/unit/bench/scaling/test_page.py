"""docs/scaling.md shows what the commands print, and nothing that they do not."""

import re

import pytest
from click.testing import CliRunner

from bench.scaling import checking, constants, page, tables
from bench.scaling.checking import CASES, Case, Checked, Figures
from bench.scaling.command import scaling
from bench.scaling.constants import SMALL
from bench.scaling.load import Load
from tests.unit.bench.scaling.given import CONSTANTS


def test_the_tables_of_the_page_are_those_of_the_commands() -> None:
    text = page.FILE.read_text(encoding="utf-8")
    printed = CliRunner().invoke(scaling, ["table"], catch_exceptions=False).output
    shown = {name: _shown(text, name) for name in page.SUMS}
    assert "".join(f"{name}\n\n{block}\n\n" for name, block in shown.items()) == printed


def test_the_page_has_the_constants_and_the_check_that_are_kept() -> None:
    found, text = constants.read(), page.FILE.read_text(encoding="utf-8")
    assert _shown(text, "constants") == tables.constants(found)
    assert _shown(text, "check") == tables.checks(found, checking.read())


def _shown(text: str, name: str) -> str:
    return text.split(f"<!-- {name} -->\n\n")[1].split(f"\n\n<!-- end of {name} -->")[0]


def test_every_mark_of_the_page_has_its_table() -> None:
    text = page.FILE.read_text(encoding="utf-8")
    marks = re.findall(r"<!-- (?!end of )(.+?) -->", text)
    blocks = {"constants", "check", *page.SUMS}
    assert sorted(marks) == sorted(blocks)


def test_each_load_is_compared_with_its_simulation(monkeypatch: pytest.MonkeyPatch) -> None:
    said = Figures(cpu=50.0, batch=4.0, p50=300.0, p99=900.0)
    monkeypatch.setattr(tables, "expected", lambda *_: said)
    measured = dict.fromkeys(CASES, Figures(cpu=100.0, batch=5.0, p50=300.0, p99=750.0))
    table = tables.checks(CONSTANTS, Checked(measured, "a machine"))
    off = "50.0 / 100 (-50%) | 4.00 / 5.00 (-20%) | 300 / 300 (+0%) | 900 / 750 (+20%)"
    assert table.count(off) == len(CASES)


def test_what_the_simulation_says_of_a_load() -> None:
    said = checking.expected(CONSTANTS, Case(SMALL, Load(1)), seconds=0.2)
    # Turn, message and arithmetic; idle while the client works and the wire carries: 45 µs.
    alone = 92 + 40 * 0.045
    assert said.batch == 1.0
    assert said.cpu == pytest.approx(alone, rel=0.01)
    assert (said.p50, said.p99) == pytest.approx((alone + 45, alone + 45))
