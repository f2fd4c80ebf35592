"""The repository: a folder of model packages, `<name>/<version>/model.onnx`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from service.core.streams import ModelKey
from service.repository.foreign.declaration import DECLARATION_FILE

MODEL_FILE = "model.onnx"
MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class Package(NamedTuple):
    key: ModelKey
    path: Path
    """The model file."""
    declaration: Path | None = None
    """The `model.toml` beside it, if there is one."""


class RepositoryError(ValueError):
    """The folder is not a model repository; the message says what to do."""


def scan(root: Path) -> list[Package]:
    """Every package under `root`, by name and version. Raises RepositoryError.

    Entries that are no packages are passed over; a file that a link takes out of the
    repository is an error.
    """
    if not root.is_dir():
        raise RepositoryError(f"there is no folder {root}: name one with --repository")
    home = root.resolve()
    packages = []
    for path in root.glob(f"*/*/{MODEL_FILE}"):
        name, version = path.parent.parent.name, path.parent.name
        if not MODEL_NAME.fullmatch(name) or not version.isascii() or not version.isdigit():
            continue
        if int(version) < 1:
            raise RepositoryError(f"{path.parent} is no version: they count from 1")
        declaration = declaration_beside(path)
        for file in (path, declaration):
            if file and not file.resolve().is_relative_to(home):
                raise RepositoryError(f"{file} leads out of the repository {root}")
        packages.append(Package(ModelKey(name, int(version)), path, declaration))
    return sorted(packages)


def declaration_beside(model: Path) -> Path | None:
    """The `model.toml` of a model file; a link that leads nowhere counts as one."""
    path = model.with_name(DECLARATION_FILE)
    return path if path.exists() or path.is_symlink() else None
