"""Where a comparison is left: whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from compare.page import page
from compare.results import Results, to_json
from compare.summary import summary
from compare.table import columns, markdown, measures

PAGE, TABLE, RESULTS = "comparison.html", "table.md", "results.json"


def require_free(folder: Path) -> None:
    """Makes the folder's parent. Raises OSError if the folder could not be written later."""
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if folder.exists():
        raise FileExistsError(f"{folder} is there already: take another --out")
    folder.parent.mkdir(parents=True, exist_ok=True)


def write(folder: Path, results: Results) -> None:
    files = {
        PAGE: page(results),
        TABLE: "\n".join(
            (f"{summary(results)}\n", markdown(columns(results)), markdown(measures(results)))
        ),
        RESULTS: to_json(results),
    }
    made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".comparison-"))
    try:
        made.chmod(0o755)  # mkdtemp's are for the owner alone
        for name, text in files.items():
            (made / name).write_text(text, encoding="utf-8")
        os.replace(made, folder)
    except BaseException:
        shutil.rmtree(made)
        raise
