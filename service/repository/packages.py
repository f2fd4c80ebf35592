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
    return sorted(
        _package(root, path.parent)
        for path in root.glob(f"*/*/{MODEL_FILE}")
        if MODEL_NAME.fullmatch(path.parent.parent.name) and _is_number(path.parent.name)
    )


def versions(root: Path) -> list[ModelKey]:
    """Every version that the repository names, whether or not its package is any good.

    Raises RepositoryError if there is no such folder.
    """
    if not root.is_dir():
        raise RepositoryError(f"there is no folder {root}")
    return sorted(
        ModelKey(path.parent.parent.name, int(path.parent.name))
        for path in root.glob(f"*/*/{MODEL_FILE}")
        if MODEL_NAME.fullmatch(path.parent.parent.name)
        and _is_number(path.parent.name)
        and not path.parent.name.startswith("0")
    )


def package_at(root: Path, name: str, version: int) -> Package:
    """The package of a name that a client has sent. Raises RepositoryError if there is none.

    A name that is none of a model never reaches the file system.
    """
    if not MODEL_NAME.fullmatch(name):
        raise RepositoryError(f"{name[:140]!r} is no name of a model")
    folder = root / name / str(version)
    if version < 1 or not (folder / MODEL_FILE).is_file():
        raise RepositoryError(f"there is no package {name}/{version} in the repository")
    return _package(root, folder)


def _package(root: Path, folder: Path) -> Package:
    """Of `<root>/<name>/<version>`, which has a model file."""
    version = folder.name
    if version.startswith("0"):
        raise RepositoryError(
            f"{folder} is no version: they count from 1, and have no zeros in front"
        )
    model = folder / MODEL_FILE
    declaration = declaration_beside(model)
    home = root.resolve()
    for file in (model, declaration):
        if file and not file.resolve().is_relative_to(home):
            raise RepositoryError(f"{file} leads out of the repository {root}")
    return Package(ModelKey(folder.parent.name, int(version)), model, declaration)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def declaration_beside(model: Path) -> Path | None:
    """The `model.toml` of a model file; a link that leads nowhere counts as one."""
    path = model.with_name(DECLARATION_FILE)
    return path if path.exists() or path.is_symlink() else None
