"""Packages as users have them, and the command on them."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from export.command import export

_COUNT = itertools.count()

HEADER = """\
import torch
from torch import nn

class Base(nn.Module):
    def __init__(self, **options):
        super().__init__()
        self.gru = nn.GRU(3, 6, batch_first=True, **options)
        self.head = nn.Linear(6, 2)

    def forward(self, x):
        return self.head(self.gru(x)[0])

"""


class User:
    """Works in a folder with a module of a name that was not imported before."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.module = f"user_module_{next(_COUNT)}"

    @property
    def path(self) -> Path:
        return self.home / f"{self.module}.py"

    def write(self, text: str) -> None:
        """Puts the classes into the module, below `Base`."""
        self.path.write_text(HEADER + text)

    def export(self, attribute: str, *arguments: str) -> Result:
        command = [f"{self.module}:{attribute}", "--to", "repository", *arguments]
        return CliRunner().invoke(export, command)

    def refused(self, attribute: str, *arguments: str) -> str:
        """The one line that the command ends with, nothing written."""
        result = self.export(attribute, *arguments)
        assert result.exit_code == 2, result.output
        [line] = result.stderr.splitlines()
        assert line.startswith("error: ") and result.stdout == ""
        assert not (self.home / "repository").exists()
        return line.removeprefix("error: ")


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> User:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])  # the command adds to it
    return User(tmp_path)
