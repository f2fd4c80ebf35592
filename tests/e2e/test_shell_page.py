"""The page on shells: what each of them completes, once it has read what the page says."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests import graphs
from tests.debian import program
from tests.pages import ROOT, Page, environment
from torture.processes import running

PAGE = Page("docs/shell.md")
# Each asks as its shell does at the press of Tab behind "$1", and prints what is offered.
ASK = {
    "bash": """
        read -ra COMP_WORDS <<<"$1"; [[ $1 != *" " ]] || COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        "$(complete -p stepwire | sed 's/.*-F \\([^ ]*\\) .*/\\1/')" stepwire
        printf '%s\\n' "${COMPREPLY[@]}"
        """,
    "zsh": """
        words=("${(@s: :)1}") CURRENT=${#words}
        compadd() { print -rl -- ${(P)@[-1]} }
        _describe() { print -rl -- ${(P)3} }
        $_comps[stepwire]
        """,
    "fish": 'complete --do-complete "$argv[1]"',
}
FLAGS = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}


def offered(shell: str, line: str, home: Path) -> set[str]:
    """The first words of what is offered; descriptions may follow them."""
    script = PAGE.block(shell, "completion") + ASK[shell]
    name = [] if shell == "fish" else [shell]
    done = subprocess.run(
        [program(shell, shell), *FLAGS[shell], "-c", script, *name, line],
        cwd=ROOT,
        env={**environment(), "HOME": str(home)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return {line.split("\t")[0].split(":")[0] for line in done.stdout.splitlines()}


@pytest.mark.parametrize("shell", ASK)
def test_commands_and_models_are_completed(shell: str, tmp_path: Path) -> None:
    assert offered(shell, "stepwire com", tmp_path) == {"compare", "completion"}
    assert offered(shell, "stepwire generate --model te", tmp_path) == {"text-gru"}


def test_options_are_completed(tmp_path: Path) -> None:
    assert offered("bash", "stepwire models --cre", tmp_path) == {"--credential-file"}


def test_models_are_those_of_the_server_that_is_named_or_on_disk_if_it_is_silent(
    tmp_path: Path,
) -> None:
    graphs.put(tmp_path, "accumulator", graphs.accumulator_package())
    with running(tmp_path, log=tmp_path / "log") as server:
        line = f"stepwire models --server {server.address} describe "
        assert offered("bash", line, tmp_path) == {"accumulator"}
    assert offered("bash", line + "text-g", tmp_path) == {"text-gru"}
