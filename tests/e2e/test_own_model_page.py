"""What the page on own models shows is run from the page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export.module_source import source_of
from tests.servers import running
from tests.unit.export.user import User
from tests.unit.export.user import user as user

PAGE = Path(__file__).parents[2] / "docs" / "own-model.md"


def section(heading: str) -> str:
    return PAGE.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]


def blocks(heading: str, language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", section(heading), re.MULTILINE | re.DOTALL)
    return [text for of, text in found if of == language]


def test_from_a_module_to_a_stream(tmp_path: Path) -> None:
    module, training, client = blocks("From a module to a stream", "python")
    commands, _ = blocks("From a module to a stream", "sh")
    [shown] = blocks("From a module to a stream", "")
    (tmp_path / "my_package").mkdir()
    (tmp_path / "my_package" / "__init__.py").touch()
    (tmp_path / "my_package" / "my_module.py").write_text(module)
    (tmp_path / "train.py").write_text(training)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=tmp_path,
        env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr
    figures = re.compile(r"\d+\.?\d*e?-?\d*")
    assert figures.sub("#", done.stdout) == figures.sub("#", shown)

    names: dict[str, Any] = {}
    with running(tmp_path / "model_repository", log=tmp_path / "log") as server:
        exec(client.replace("localhost:50051", server.address), names)
    clean = np.sin(0.2 * np.arange(50))
    assert names["smooth"].shape == (50, 1)
    before, after = (
        np.sqrt(np.mean((values - clean)[10:] ** 2))
        for values in (names["readings"], names["smooth"][:, 0])
    )
    assert after < 0.8 * before


def test_the_cell_by_the_step_is_exported(user: User) -> None:
    cell, learned = blocks("By the step", "python")
    start = "    start = property(lambda self: torch.full((48,), 0.5))\n\n"
    user.write(f"{cell}\n\nclass Learned(Leaky):\n{start}{learned}")
    for name, initial in (("Leaky", 0.0), ("Learned", 0.5)):
        [state] = source_of(f"{user.module}:{name}").manifest.states
        np.testing.assert_array_equal(state.spec().initial, np.full(48, initial, np.float32))


MESSAGES = re.findall(r"^\| (`.*?`) \|", section("What is refused"), re.MULTILINE)


@pytest.mark.parametrize("message", MESSAGES)
def test_every_message_of_the_table_is_one_of_the_code(message: str) -> None:
    code = "".join(path.read_text() for path in (PAGE.parents[1] / "export").glob("*.py"))
    text = re.sub(r'"\s+f?"|\{[^}]*\}', "", code)
    for part in re.split(r"\.\.\.|`, `|`|\d+|GRUCell|(?= raises)", message):
        assert part.strip() in text, part
