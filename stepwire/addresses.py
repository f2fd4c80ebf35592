"""HOST:PORT, as commands and settings take it, and the targets of gRPC's clients."""

from __future__ import annotations

import ipaddress
import re

_AUTHORITY = re.compile("^//[^/]*/")
"""Before the host of a `dns:` target: the DNS server to ask, if any."""
_NAME = re.compile(r"[\w.-]+")
_BRACKETED = re.compile(r"\[[\w.:%-]+\]")


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
    if not (_NAME.fullmatch(host) or _is_ipv6(host)):
        return (
            "a host is a name, an IPv4 address, or an IPv6 address in brackets, as in [::1]:50051"
        )
    if len(port) > 5 or not lowest_port <= int(port) <= 65535:
        return f"a port is {lowest_port} to 65535"
    return ""


def target_fault(text: str) -> str:
    """Why gRPC's clients could not take the text, in a few words; empty if they can.

    It is HOST:PORT, alone or behind `dns:`, or IP:PORT,... behind `ipv4:` or `ipv6:`, as in
    https://github.com/grpc/grpc/blob/master/doc/naming.md, but never without its port.
    """
    scheme, _, rest = text.partition(":")
    if scheme == "dns":
        return fault(_AUTHORITY.sub("", rest))
    if scheme not in ("ipv4", "ipv6"):
        return fault(text)
    faults = (fault(each) or _family_fault(scheme, each) for each in rest.split(","))
    return next(filter(None, faults), "")


def _family_fault(scheme: str, address: str) -> str:
    host = address.rpartition(":")[0]
    if scheme == "ipv4" and not _is_ipv4(host):
        return "ipv4: needs an IPv4 address, as in ipv4:127.0.0.1:50051"
    if scheme == "ipv6" and not _is_ipv6(host):
        return "ipv6: needs an IPv6 address, as in ipv6:[::1]:50051"
    return ""


def _is_ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _is_ipv6(text: str) -> bool:
    """In brackets."""
    if not _BRACKETED.fullmatch(text):
        return False
    try:
        ipaddress.IPv6Address(text[1:-1])
    except ValueError:
        return False
    return True
