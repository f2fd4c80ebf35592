"""How a scenario says that the server broke its word."""

from __future__ import annotations


class PromiseBroken(AssertionError):
    """What was promised, and what was seen instead."""


def promised(kept: bool, otherwise: str) -> None:
    """Raises PromiseBroken with what was seen."""
    if not kept:
        raise PromiseBroken(otherwise)
