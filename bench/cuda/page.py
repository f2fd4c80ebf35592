"""docs/cuda.md: its figures stand between two marks, and are a device's or none."""

from __future__ import annotations

from pathlib import Path

from bench import marked

FILE = Path(__file__).parents[2] / "docs" / "cuda.md"
MARK = "figures"
NOT_MEASURED = "not measured"


def check(path: Path) -> None:
    """Raises Refused if it cannot be written later, before anything is measured."""
    marked.rewritten(path.read_text(encoding="utf-8"), {MARK: ""})


def write(figures: str, path: Path) -> None:
    """Puts the figures in the place of what stands there."""
    marked.write({MARK: figures}, path)
