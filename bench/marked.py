"""Pages of docs/ whose tables stand between marks and are written anew from what was measured."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from stepwire.refused import Refused


def rewritten(text: str, blocks: Mapping[str, str]) -> str:
    """The page with each block between its marks. Raises Refused if one is not there once."""
    for name, block in blocks.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        marked = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if len(marked.findall(text)) != 1:
            raise Refused(f"the page has not one place between {begin} and {end}")
        text = marked.sub(f"{begin}\n\n{block}\n\n{end}".replace("\\", r"\\"), text)
    return text


def write(blocks: Mapping[str, str], path: Path) -> None:
    """Raises Refused, and leaves the page as it is, if its marks are not there."""
    beside = path.with_suffix(".tmp")
    beside.write_text(rewritten(path.read_text(encoding="utf-8"), blocks), encoding="utf-8")
    os.replace(beside, path)
