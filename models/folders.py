"""What a command leaves in a folder of its own: whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def require_free(folder: Path, option: str) -> None:
    """Raises FileExistsError, naming the option that chooses it, unless it is absent or empty."""
    if os.path.lexists(folder) and not (folder.is_dir() and not any(folder.iterdir())):
        raise FileExistsError(f"{folder} is there already: take another {option}")


@contextmanager
def filled(folder: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `folder` when the block ends and is removed if it fails.

    It lies beside `folder`, so that what cannot be written is found out before the block begins.
    Raises OSError.
    """
    place = Path(os.path.realpath(folder))
    made = _beside(place)
    try:
        yield made
        try:
            os.replace(made, place)
        except OSError as error:
            raise _unwritable(folder, error) from error
    except BaseException:
        shutil.rmtree(made)
        raise


def _beside(folder: Path) -> Path:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".unfinished-"))
    except OSError as error:
        raise _unwritable(folder, error) from error
    made.chmod(0o755)  # mkdtemp's are for the owner alone
    return made


def _unwritable(folder: Path, error: OSError) -> OSError:
    return OSError(f"cannot write {folder} ({error.strerror}): choose another --out")
