"""The start and the stop of a process: logs, signals, and what it says of itself."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Iterable

from service.logs import formatter


class StartError(RuntimeError):
    """The service cannot start; the message says why and what to do."""


def cannot_listen(address: str) -> str:
    return f"cannot listen on {address}: it is taken, or not this machine's"


def prepare(log_level: str, log_format: str = "console", worker: str = "") -> None:
    """Logs from here on, naming the worker, and hears a stop while nothing serves yet."""
    lines = logging.StreamHandler()
    lines.setFormatter(formatter(log_format, worker))
    logging.basicConfig(level=log_level.upper(), handlers=[lines])
    # The first process of a container ignores a signal that it has no handler for.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


def asked_to_stop() -> asyncio.Event:
    """Set by SIGTERM and SIGINT, which the running event loop takes from here on."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def spare_what_is_loaded() -> None:
    """Has the garbage collector look at the streams only, from here on.

    A full collection is then short, and comes before garbage is a quarter of everything.
    """
    gc.collect()
    gc.freeze()


def announce(
    address: str,
    models: Iterable[str],
    http: str | None,
    page: bool = False,
    device: str = "",
) -> None:
    """Tells on stdout that everything is up; scripts wait for the first line. `page`: whether
    the HTTP port has the live page. `device`: what is to be said of it.
    """
    print(f"stepwire: listening on {address}, serving {', '.join(models)}", flush=True)
    if http:
        print(f"stepwire: health and metrics on http://{http}", flush=True)
    if http and page:
        print(f"stepwire: live page on http://{http}/", flush=True)
    if device:
        print(f"stepwire: {device}", flush=True)
