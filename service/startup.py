"""What a process says of its start: one line for what it serves, or why it cannot."""

from __future__ import annotations

from collections.abc import Iterable


class StartError(RuntimeError):
    """The service cannot start; the message says why and what to do."""


def cannot_listen(address: str) -> str:
    return f"cannot listen on {address}: it is taken, or not this machine's"


def announce(address: str, models: Iterable[str], http: str | None) -> None:
    """Tells on stdout that everything is up; scripts wait for the first line."""
    print(f"stepwire: listening on {address}, serving {', '.join(models)}", flush=True)
    if http:
        print(f"stepwire: health and metrics on http://{http}", flush=True)
