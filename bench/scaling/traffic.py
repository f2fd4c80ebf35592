"""Bytes and packets that a step puts on the network: Ethernet, IPv4, TCP with timestamps."""

from __future__ import annotations

import math
from typing import NamedTuple

from bench.scaling.constants import Arithmetic

_FRAMING = 9 + 5
"""Of HTTP/2's DATA frame (RFC 9113, section 4.1) and of a gRPC message."""
_HEADERS = 14 + 20 + 32
_SEGMENT = 1500 - 20 - 32
"""Bytes of a stream that a packet carries."""
_TENSOR_FIELD = 17
"""What a single step's message has beside its tensor, at least: left out of a fleet's entry."""
_ENTRY = 4 + 8
"""Handle and step number of an entry."""


class Traffic(NamedTuple):
    """For a step, the busier way: that of the answers."""

    packets: float
    bytes: float


def of(arithmetic: Arithmetic, entries: int = 1) -> Traffic:
    """Messages that travel alone, as they do where each client sends one at a time."""
    size = arithmetic.answer_bytes
    if entries > 1:
        size = entries * (size - _TENSOR_FIELD + _ENTRY)
    packets = math.ceil((size + _FRAMING) / _SEGMENT)
    return Traffic(packets / entries, (size + _FRAMING + packets * _HEADERS) / entries)
