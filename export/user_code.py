"""What a user's code raises, told in one line."""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from export.source import ExportRefused

LONGEST = 300
"""Characters of an error's text."""

_LIBRARIES = (
    *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")),
    str(Path(__file__).parent),
)


@contextmanager
def running(what: str) -> Iterator[None]:
    """Turns what is raised within into ExportRefused, which says that `what` raised it."""
    try:
        yield
    except ExportRefused:
        raise
    except (Exception, SystemExit) as error:
        raise ExportRefused(f"{what} raises {told(error)}") from error


def told(error: BaseException) -> str:
    """Its type, its text, and the deepest line that is the user's own."""
    text = " ".join(str(error).split())
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}..."
    name = type(error).__name__
    return f"{name}: {text}{place(error)}" if text else f"{name}{place(error)}"


def place(error: BaseException) -> str:
    """The deepest line that is the user's own, in brackets; empty if none is."""
    if isinstance(error, SyntaxError):
        return ""  # its text says where
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(("<", *_LIBRARIES))
    ]
    return f" ({own[-1].filename}, line {own[-1].lineno})" if own else ""
