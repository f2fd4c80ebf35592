"""The page on states is run from the page, in one go."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
from pathlib import Path
from typing import Any

from tests.pages import ADDRESS, ROOT, Page
from torture.processes import running

PAGE = Page("docs/state.md")


def test_the_page_prints_what_it_shows(tmp_path: Path) -> None:
    """On a server of its own, whose streams it lists."""
    repository = tmp_path / "models"
    shutil.copytree(ROOT / "model_repository" / "sine-gru", repository / "sine-gru")
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE.text, re.MULTILINE | re.DOTALL)
    source = "".join(text for language, text in blocks if language == "python")
    printed, names = io.StringIO(), dict[str, Any]()
    with running(repository, log=tmp_path / "log") as server:
        with contextlib.redirect_stdout(printed):
            exec(source.replace(ADDRESS, server.address), names)
    shown = "".join(text for language, text in blocks if not language)
    assert printed.getvalue() == shown
