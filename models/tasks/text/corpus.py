"""The text to learn from and the text to be judged by.

Without a text of one's own it is the source of the Python standard library, as it lies on this
machine: its tests and what `pip` installed are left out.
"""

from __future__ import annotations

import hashlib
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from models.tasks.task import TaskRefused

HELD_OUT = 0.1
"""Share of the characters that no training sees."""
FEWEST_FILES = 20
"""Fewer are not split by whole files: they are joined, and the end is held out."""
SHORTEST = 2_100
"""Characters of the training text, and of the held-out text."""
NO_SOURCE = frozenset(
    {
        *("site-packages", "dist-packages", "__pycache__"),
        *("test", "tests", "idle_test"),
        *("encodings", "pydoc_data"),  # tables and help texts, made by programs
    }
)


class File(NamedTuple):
    name: str
    """Its path within the folder that was asked for, the same on every system."""
    text: str


class Corpus(NamedTuple):
    training: str
    held_out: str


def corpus(path: Path | None, characters: int | None = None) -> Corpus:
    """A text file, the files of a folder, or the standard library; training text cut to length.

    Raises TaskRefused.
    """
    training, held_out = split(list(_files(path) if path else _standard_library()))
    if min(len(training), len(held_out)) < SHORTEST:
        raise TaskRefused(
            f"{path or 'the standard library'} leaves {len(training)} characters to train on and "
            f"{len(held_out)} held out: give a text that leaves at least {SHORTEST} of each"
        )
    return Corpus(training[:characters], held_out)


def split(files: Sequence[File]) -> Corpus:
    """By whole files in an order that is random but always the same; few files by position."""
    if len(files) < FEWEST_FILES:
        text = "".join(file.text for file in files)
        end = round(len(text) * (1 - HELD_OUT))
        return Corpus(text[:end], text[end:])
    shuffled = sorted(files, key=lambda file: hashlib.sha256(file.name.encode()).digest())
    wanted = HELD_OUT * sum(len(file.text) for file in files)
    taken = held = 0
    while held < wanted:
        held += len(shuffled[taken].text)
        taken += 1
    held_out, training = shuffled[:taken], shuffled[taken:]
    return Corpus("".join(file.text for file in training), "".join(file.text for file in held_out))


def _files(path: Path) -> Iterator[File]:
    """Hidden files and folders are left out."""
    if not path.is_dir():
        yield File(path.name, _read(path))
        return
    for found in sorted(path.rglob("*")):
        inside = found.relative_to(path)
        if found.is_file() and not any(part.startswith(".") for part in inside.parts):
            yield File(inside.as_posix(), _read(found))


def _standard_library() -> Iterator[File]:
    """Files that are not UTF-8, which Python allows, are left out."""
    folder = Path(sysconfig.get_path("stdlib"))
    for found in sorted(folder.rglob("*.py")):
        inside = found.relative_to(folder)
        if NO_SOURCE.isdisjoint(inside.parts):
            try:
                yield File(inside.as_posix(), found.read_text(encoding="utf-8"))
            except UnicodeDecodeError:
                continue


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise TaskRefused(
            f"{path} is not UTF-8 text (byte {error.start}): convert it or take it out"
        ) from error
    except OSError as error:
        raise TaskRefused(f"cannot read {path}: {error.strerror}") from error
