"""The pages of the documentation: their code blocks, and what a shell makes of them."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from stepwire.cli import main

ROOT = Path(__file__).parents[1]
ADDRESS = "localhost:50051"
"""Where the pages have their service."""


class Page:
    def __init__(self, place: str) -> None:
        """`place`: from the root of the project."""
        self.path = ROOT / place
        self.text = self.path.read_text(encoding="utf-8")

    def section(self, heading: str) -> str:
        return self.text.split(f"\n## {heading}\n")[1].split("\n## ")[0]

    def blocks(self, heading: str | None, language: str | None = None) -> list[str]:
        """The code blocks under a heading or of the whole page, of one language or of all."""
        return _texts(self.section(heading) if heading else self.text, language)

    def block(self, language: str, containing: str) -> str:
        """The page's one code block of the language that contains a string."""
        (found,) = [text for text in _texts(self.text, language) if containing in text]
        return found

    def table(self, first: str) -> list[list[str]]:
        """The rows of a table, by the heading of its first column."""
        lines = self.text.split(f"\n| {first} |")[1].split("\n\n")[0].splitlines()[2:]
        return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]


def _texts(text: str, language: str | None) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block for of, block in found if language in (None, of)]


def environment() -> dict[str, str]:
    """In which `stepwire` is on the path, as after `. .venv/bin/activate`."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "120",
        "PYTHONIOENCODING": "utf-8",
        "OMP_NUM_THREADS": "1",  # more would wait for each other on a busy machine
    }


def ran(script: str, cwd: Path = ROOT, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """A shell's script, piped."""
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=cwd,
        env=environment(),
        input=stdin,
        capture_output=True,
        encoding="utf-8",
    )


def shell(script: str, cwd: Path = ROOT, stdin: str = "") -> str:
    """What a script prints that has nothing to complain of."""
    done = ran(script, cwd, stdin)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def here(script: str, cwd: Path) -> str:
    """As `shell` of lines that are `stepwire` alone, in this process: it has imported torch."""
    printed = ""
    for line in script.replace("\\\n", " ").strip().splitlines():
        name, *arguments = shlex.split(line, comments=True)
        assert name == "stepwire", line
        with contextlib.chdir(cwd):
            done = CliRunner(env={"COLUMNS": "120"}).invoke(main, arguments)
        assert (done.exit_code, done.stderr) == (0, ""), done.output
        printed += done.stdout
    return printed
