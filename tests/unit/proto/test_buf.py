"""The checks of the .proto files find what they are there to find."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.pages import ROOT, ran

RECIPE = [line.strip() for line in (ROOT / "Makefile").read_text().splitlines() if "/buf " in line]
STREAM = Path("proto/stepwire/v1/stream.proto")
FILES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "proto").rglob("*.proto"))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what the checks read."""
    shutil.copy(ROOT / "buf.yaml", tmp_path)
    shutil.copytree(ROOT / "proto", tmp_path / "proto")
    return tmp_path


def checked(tree: Path, check: str) -> str:
    """What a line of `make check` prints."""
    [command] = [line for line in RECIPE if f"buf {check}" in line]
    command = command.replace("$(BIN)/", "").replace("$(RELEASED)", "proto/released.binpb")
    return ran(command, tree).stdout


def change(tree: Path, old: str, new: str) -> None:
    text = (tree / STREAM).read_text()
    assert text.count(old) == 1
    (tree / STREAM).write_text(text.replace(old, new))


@pytest.mark.parametrize("check", ["lint", "breaking"])
def test_the_files_as_they_are_pass(tree: Path, check: str) -> None:
    assert checked(tree, check) == ""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("uint32 window = 7", "uint64 window = 7", 'Field "7" with name "window"'),
        ("uint32 window = 7", "uint32 window = 12", 'field "7" with name "window"'),
        ("  rpc Fleet(", "  rpc Fleets(", 'present RPC "Fleet"'),
        ("VERDICT_HELD = 3", "VERDICT_HOLD = 3", '"VERDICT_HELD"'),
    ],
)
def test_what_breaks_a_released_client_is_told(tree: Path, old: str, new: str, told: str) -> None:
    change(tree, old, new)
    assert told in checked(tree, "breaking")


@pytest.mark.parametrize("place", FILES)
def test_no_file_may_have_its_fields_numbered_anew(tree: Path, place: str) -> None:
    file = tree / place
    text = file.read_text()
    file.write_text(re.sub(r"(string \w+ = )(\d+);", r"\g<1>10\2;", text, count=1))
    assert f"{place}:" in checked(tree, "breaking")


def test_what_is_added_breaks_nothing(tree: Path) -> None:
    change(tree, "message Close {}", "message Close {\n  // Why.\n  string reason = 1;\n}")
    assert (checked(tree, "lint"), checked(tree, "breaking")) == ("", "")


def test_a_field_that_says_nothing_is_told(tree: Path) -> None:
    change(tree, "message Close {}", "message Close {\n  string reason = 1;\n}")
    assert '"reason" should have a non-empty comment' in checked(tree, "lint")
