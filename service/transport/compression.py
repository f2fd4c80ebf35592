"""Compressed messages, as clients may send them. Answers are not compressed.

Source: https://github.com/grpc/grpc/blob/master/doc/compression.md
"""

from __future__ import annotations

import zlib

from service.transport.refusals import Malformed, TooLarge, UnknownEncoding

ACCEPTED = "identity, deflate, gzip"
"""As gRPC names encodings in a header."""
_WINDOWS = {"deflate": zlib.MAX_WBITS, "gzip": zlib.MAX_WBITS | 16}
"""What zlib calls them."""


class Packed(bytes):
    """A message as it came: unpacked when it is read, for it may become many times as large."""


def check(encoding: str) -> None:
    """Of a call that has a compressed message. Raises UnknownEncoding or Malformed."""
    if encoding == "identity":
        raise Malformed("a message is compressed, and its call does not say how")
    if encoding not in _WINDOWS:
        raise UnknownEncoding(f"messages are taken as {ACCEPTED}, and not as {encoding!r}")


def unpacked(data: Packed, encoding: str, limit: int) -> bytes:
    """`limit`: bytes of the largest message that is taken. Raises TooLarge or Malformed."""
    if not data:
        return b""
    inflating = zlib.decompressobj(_WINDOWS[encoding])
    try:
        message = inflating.decompress(data, limit + 1)
    except zlib.error as error:
        raise Malformed(f"a message is not compressed as {encoding}: {error}") from error
    if len(message) > limit:
        raise TooLarge(f"Received message larger than max ({limit})")
    if not inflating.eof:
        raise Malformed(f"a message that is compressed as {encoding} ends too soon")
    if inflating.unused_data:
        raise Malformed(f"there is more behind a message that is compressed as {encoding}")
    return message
