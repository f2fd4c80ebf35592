"""Numbers as protobuf writes them, for messages whose bytes are put together here."""

from __future__ import annotations


def varint(number: int) -> bytes:
    """Seven bits a byte, the least first; https://protobuf.dev/programming-guides/encoding."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
