"""A port that many processes will listen on, and no one else."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from service.startup import StartError, cannot_listen

_LACKING = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}


@contextmanager
def reserved(address: str) -> Iterator[str]:
    """`address`, HOST:PORT, with a port that is kept for this user's SO_REUSEPORT sockets.

    Bound sockets that do not listen take no connections. They are bound before they share, so
    that a port on which others listen is refused even if those would share it. Raises StartError.
    """
    host, _, port = address.rpartition(":")
    with ExitStack() as sockets:
        try:
            taken = _reserve(sockets, host.strip("[]"), int(port))
        except OSError as error:
            raise StartError(cannot_listen(address)) from error
        yield f"{host}:{taken}"


def _reserve(sockets: ExitStack, host: str, port: int) -> int:
    """Binds to every address of the host that this machine has; the port they share."""
    taken = 0
    for family, _, _, _, found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        try:
            one = sockets.enter_context(socket.socket(family, socket.SOCK_STREAM))
            _bind(one, (found[0], taken or port, *found[2:]))
        except OSError as error:
            # A name may stand for IPv6 too where the machine has none.
            if error.errno not in _LACKING:
                raise
        else:
            taken = one.getsockname()[1]
    if not taken:
        raise OSError(errno.EADDRNOTAVAIL, f"{host} is not this machine")
    return taken


def _bind(one: socket.socket, address: tuple[Any, ...]) -> None:
    # Connections that a former service has just closed are no reason to refuse.
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(address)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
