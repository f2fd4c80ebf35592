"""Addresses: HOST:PORT to listen on, and URLs."""

from __future__ import annotations

import ipaddress
import re

from stepwire.addresses import fault


def host_of(address: str) -> str:
    return address.rpartition(":")[0]


def address(text: str) -> str:
    """The same text. Raises ValueError if it is no address to listen on."""
    if why := fault(text, lowest_port=0):
        raise ValueError(f"not HOST:PORT: {why}")
    return text


def url(text: str) -> str:
    """The same text. Raises ValueError unless it is a URL of HTTP without query and fragment."""
    if not re.fullmatch(r"https?://[^/?#\s]+[^?#\s]*", text):
        raise ValueError("not a URL, such as http://localhost:4318")
    return text


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
