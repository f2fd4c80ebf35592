"""What the page on own models shows is run from the page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export.module_source import source_of
from tests.pages import ADDRESS, ROOT, Page, shell
from tests.unit.export.user import User
from tests.unit.export.user import user as user
from torture.processes import running

PAGE = Page("docs/own-model.md")


def test_from_a_module_to_a_stream(tmp_path: Path) -> None:
    module, training, client = PAGE.blocks("From a module to a stream", "python")
    commands, _ = PAGE.blocks("From a module to a stream", "sh")
    [shown] = PAGE.blocks("From a module to a stream", "")
    (tmp_path / "my_package").mkdir()
    (tmp_path / "my_package" / "__init__.py").touch()
    (tmp_path / "my_package" / "my_module.py").write_text(module)
    (tmp_path / "train.py").write_text(training)
    said = shell(commands, tmp_path)
    figures = re.compile(r"\d+\.?\d*e?-?\d*")
    assert figures.sub("#", said) == figures.sub("#", shown)

    names: dict[str, Any] = {}
    with running(tmp_path / "model_repository", log=tmp_path / "log") as server:
        exec(client.replace(ADDRESS, server.address), names)
    clean = np.sin(0.2 * np.arange(50))
    assert names["smooth"].shape == (50, 1)
    before, after = (
        np.sqrt(np.mean((values - clean)[10:] ** 2))
        for values in (names["readings"], names["smooth"][:, 0])
    )
    assert after < 0.8 * before


def test_the_cell_by_the_step_is_exported(user: User) -> None:
    cell, learned = PAGE.blocks("By the step", "python")
    start = "    start = property(lambda self: torch.full((48,), 0.5))\n\n"
    user.write(f"{cell}\n\nclass Learned(Leaky):\n{start}{learned}")
    for name, initial in (("Leaky", 0.0), ("Learned", 0.5)):
        [state] = source_of(f"{user.module}:{name}").manifest.states
        np.testing.assert_array_equal(state.spec().initial, np.full(48, initial, np.float32))


MESSAGES = re.findall(r"^\| (`.*?`) \|", PAGE.section("What is refused"), re.MULTILINE)


@pytest.mark.parametrize("message", MESSAGES)
def test_every_message_of_the_table_is_one_of_the_code(message: str) -> None:
    code = "".join(path.read_text() for path in (ROOT / "export").glob("*.py"))
    text = re.sub(r'"\s+f?"|\{[^}]*\}', "", code)
    for part in re.split(r"\.\.\.|`, `|`|\d+|GRUCell|(?= raises)", message):
        assert part.strip() in text, part
