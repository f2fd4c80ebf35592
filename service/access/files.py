"""Files that are read again when they change."""

from __future__ import annotations

import logging
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

Content = TypeVar("Content")

_Stamp = tuple[int, int, int] | None
"""Inode, size, and time of the last change in nanoseconds; None for a file that is not there."""


class Watched(Generic[Content]):
    """What `read` makes of some files. A change that it refuses leaves what was read before."""

    def __init__(self, paths: tuple[Path, ...], read: Callable[[], Content]) -> None:
        """Reads. Raises what `read` raises, a ValueError."""
        self._paths = paths
        self._read = read
        self._stamps = self._look()
        self.content = read()

    def refresh(self) -> bool:
        """Reads again if a file has changed. Whether there is something new.

        A refusal is logged once for each change.
        """
        # Looked at before they are read: what changes meanwhile is read next time.
        stamps = self._look()
        if stamps == self._stamps:
            return False
        self._stamps = stamps
        try:
            self.content = self._read()
        except ValueError as error:
            log.error("%s; what was read before stays in force", error)
            return False
        log.info("read again: %s", ", ".join(map(str, self._paths)))
        return True

    def _look(self) -> list[_Stamp]:
        return list(map(_stamp, self._paths))


def warn_if_readable_by_all(setting: str, path: Path) -> None:
    with suppress(OSError):  # a file that has just gone
        if path.stat().st_mode & stat.S_IROTH:
            log.warning("%s: every user may read %s: chmod o-r %s", setting, path, path)


def _stamp(path: Path) -> _Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
