"""The pages of docs/: that they are found, that their links lead somewhere, and the commands of
those which have no tests of their own.
"""

from __future__ import annotations

import ast
import functools
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from bench.scaling.command import scaling
from models.tasks import TASKS
from tests.pages import ADDRESS, ROOT, Page, here, shell
from torture.__main__ import torture
from torture.processes import Server

DOCS = ROOT / "docs"
PAGES = sorted(str(page.relative_to(ROOT)) for page in DOCS.rglob("*.md"))
MARKDOWN = [*PAGES, *(page.name for page in ROOT.glob("*.md")), "bench/LOG.md"]
LINK = re.compile(r"\]\(([^)\s]+)\)")
SHELLS = ("sh", "bash", "python")


def prose(text: str) -> str:
    """Without the code blocks."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """What a heading is linked by, as GitHub makes it."""
    headings = re.findall(r"^#+ (.*)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("place", MARKDOWN)
def test_links_lead_somewhere(place: str) -> None:
    page = ROOT / place
    for link in LINK.findall(prose(page.read_text())):
        target, _, anchor = link.partition("#")
        if "://" in target:
            continue
        led = page.parent / target if target else page
        assert led.exists(), link
        assert not anchor or anchor in anchors(led.read_text()), link


def test_the_targets_of_make_that_pages_name_are_there() -> None:
    text = "".join((ROOT / place).read_text() for place in MARKDOWN)
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE))
    there = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {"check", "released"} < named <= set(there)


def pages_linked(text: str, folder: Path) -> list[str]:
    """Those of docs/ that a text in `folder` leads to, as often as it does."""
    targets = [(folder / link.partition("#")[0]).resolve() for link in LINK.findall(text)]
    pages = [str(target.relative_to(ROOT)) for target in targets if target.is_relative_to(DOCS)]
    return sorted(page for page in pages if page in PAGES)


def test_every_page_is_in_the_index_once() -> None:
    linked = pages_linked((DOCS / "README.md").read_text(), DOCS)
    assert linked == [page for page in PAGES if page != "docs/README.md"]


def test_the_readme_ends_with_every_page_but_those_of_single_tasks() -> None:
    linked = pages_linked(Page("README.md").section("More"), ROOT)
    of_tasks = {page for page in PAGES if page.startswith("docs/tasks/")} - {"docs/tasks/README.md"}
    assert linked == [page for page in PAGES if page not in {"docs/README.md"} | of_tasks]


@functools.cache
def pages_taken() -> frozenset[str]:
    """Those that a module of tests opens which takes code blocks of pages."""
    found: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        text = path.read_text()
        if "Page(" in text and re.search(r"\.blocks?\(|```", text):
            calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
            opened = [call for call in calls if ast.unparse(call.func) == "Page"]
            found.update(ast.literal_eval(call.args[0]) for call in opened)
    return frozenset(found)


@pytest.mark.parametrize("place", [page for page in PAGES if page != "docs/README.md"])
def test_every_page_has_commands_and_a_test_that_takes_them(place: str) -> None:
    assert any(f"```{shell}\n" in (ROOT / place).read_text() for shell in SHELLS)
    assert place in pages_taken()


@pytest.mark.parametrize(
    ("page", "containing"),
    [
        (Page("docs/models.md"), "train sine"),
        (Page("docs/tasks/sine.md"), "train sine"),
        (Page("docs/cells.md"), "train sine"),
    ],
    ids=lambda value: value.path.stem if isinstance(value, Page) else None,
)
def test_the_trainings(page: Page, containing: str, tmp_path: Path) -> None:
    quick = "--hidden 4 --rounds 1 --batches 1 --no-memoryless"
    assert here(page.block("sh", containing).replace("--hidden 32", quick), tmp_path)


def test_the_cells_of_the_page() -> None:
    names: dict[str, Any] = {}
    for block in Page("docs/cells.md").blocks(None, "python"):
        exec(block, names)
    assert names["h"].shape == (50, 4, 16) and names["kept"].shape == (50,)


def test_the_tasks_are_listed() -> None:
    said = shell(Page("docs/tasks/README.md").block("sh", "train --help"))
    listed = re.findall(r"^  (\w+)  ", said.split("Commands:")[1], re.MULTILINE)
    assert sorted(listed) == sorted(TASKS)


def test_the_pendulum_is_balanced(bundled: Server, tmp_path: Path) -> None:
    [command] = Page("docs/tasks/pendulum.md").block("sh", "demo").splitlines()
    picture = tmp_path / "pendulum.png"
    shell(f"{command} --connect {bundled.address} --picture {picture}")
    assert picture.exists()


def test_the_comparison_is_the_one_of_the_readme() -> None:
    """Which is run from there."""
    compared = Page("docs/compare.md").block("sh", "compare")
    assert compared in Page("README.md").blocks("Which cell?", "sh")


def test_the_service_says_that_it_serves(bundled: Server) -> None:
    asked = Page("docs/protocol.md").block("sh", "Health/Check")
    assert "SERVING" in shell(asked.replace(ADDRESS, bundled.address))


def test_the_import_rules_are_kept() -> None:
    assert " 0 broken" in shell(Page("docs/architecture.md").block("sh", "lint-imports"))


def test_a_scenario_is_chosen_as_shown() -> None:
    block = Page("docs/reliability.md").block("sh", "make torture")
    [given] = re.findall(r"^make torture ARGS='(.*)'$", block, re.MULTILINE)
    assert torture.make_context("torture", given.split()).params["seed"] == 7


def test_the_commands_of_scaling_are_there() -> None:
    for line in Page("docs/scaling.md").block("sh", "bench.scaling").splitlines():
        _, _, _, command, *options = shlex.split(line, comments=True)
        scaling.commands[command].make_context(command, options)
