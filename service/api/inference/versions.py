"""Versions, which the protocol writes as text."""

from __future__ import annotations

from service.core.errors import InvalidRequest

DIGITS = 19
"""No version has more."""


def number(version: str) -> int | None:
    """None of "", which leaves the choice to the server. Raises InvalidRequest."""
    if not version:
        return None
    if version.isascii() and version.isdigit() and len(version) <= DIGITS and int(version):
        return int(version)
    raise InvalidRequest(f"a version is a whole number from 1 on, or empty, not {version[:40]!r}")
