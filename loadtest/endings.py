"""Why a run has no outcome."""

from __future__ import annotations


class LoadRefused(RuntimeError):
    """The server refused the streams, or is not there."""


class LoaderDied(RuntimeError):
    """A process of the loader did; the message says how."""


class Interrupted(RuntimeError):
    """An interrupt came before the run began."""
