"""A port that many processes will listen on, and no one else."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from service.startup import StartError, cannot_listen


@contextmanager
def reserved(address: str) -> Iterator[str]:
    """`address`, HOST:PORT, with a port that is kept for this user's SO_REUSEPORT sockets.

    Bound sockets that do not listen take no connections. They are bound before they share, so
    that a port on which others listen is refused even if those would share it. Raises StartError.
    """
    host, _, port = address.rpartition(":")
    with ExitStack() as sockets:
        number = int(port)
        try:
            for resolved in socket.getaddrinfo(host.strip("[]"), number, type=socket.SOCK_STREAM):
                number = _reserve(sockets, resolved[0], resolved[4], number)
        except OSError as error:
            raise StartError(cannot_listen(address)) from error
        yield f"{host}:{number}"


def _reserve(
    sockets: ExitStack, family: socket.AddressFamily, resolved: tuple[Any, ...], port: int
) -> int:
    """Binds to one address that the host has; the port."""
    one = sockets.enter_context(socket.socket(family, socket.SOCK_STREAM))
    # Connections that a former service has just closed are no reason to refuse.
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind((resolved[0], port, *resolved[2:]))
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound: int = one.getsockname()[1]
    return bound
