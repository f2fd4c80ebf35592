"""HOST:PORT, as commands and settings take it."""

from __future__ import annotations

import ipaddress


def fault(text: str, *, lowest_port: int = 1) -> str:
    """Why the text is not HOST:PORT, in a few words; empty if it is. `lowest_port`: 0 for whoever
    listens, and takes a free one then.
    """
    host, _, port = text.rpartition(":")
    scheme, is_url, _ = text.partition("://")
    if any(map(str.isspace, text)):
        return "it has a space"
    if is_url:
        return f"{scheme}:// does not belong to it"
    if not (port.isascii() and port.isdigit() and host):
        return "a host and a port are needed, as in localhost:50051"
    if not _is_host(host):
        return "an IPv6 address needs brackets, as in [::1]:50051"
    if len(port) > 5 or not lowest_port <= int(port) <= 65535:
        return f"a port is {lowest_port} to 65535"
    return ""


def _is_host(text: str) -> bool:
    """A name, an IPv4 address, or an IPv6 address in brackets."""
    if not set("[]:") & set(text):
        return True
    try:
        ipaddress.IPv6Address(text[1:-1])
    except ValueError:
        return False
    return (text[0], text[-1]) == ("[", "]")
