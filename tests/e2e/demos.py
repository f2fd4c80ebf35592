"""Pages on tasks that have a demo: their commands, kept brief."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.pages import ADDRESS, Page, here
from torture.processes import Server


def trained(page: Page, name: str, folder: Path) -> list[str]:
    """Trains for a moment as the page says, exports, and gives the measures of the page's table.

    All of them were printed.
    """
    train, table = page.blocks("Train")
    small = f"{train.strip()} --rounds 1 --batches 2"
    said = here(f"{small}\nstepwire export runs/{name} --to model_repository", folder)
    measures: list[str] = re.findall(r"^│ (\S.*?) +│", table, re.MULTILINE)
    assert [measure for measure in measures if measure not in said] == []
    return measures


def stream(page: Page, server: Server) -> None:
    """Runs the page's client."""
    *_, source = page.blocks("Stream")
    exec(source.replace(ADDRESS, server.address), {})


def refused(folder: Path, *arguments: str) -> str:
    """What a demo prints that cannot be shown."""
    command = [str(Path(sys.executable).parent / "stepwire"), "demo", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 2
    return done.stderr
