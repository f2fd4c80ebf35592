"""Addresses that are listened on, HOST:PORT."""

from __future__ import annotations

import ipaddress


def host_of(address: str) -> str:
    return address.rpartition(":")[0]


def is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) <= 65535


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
