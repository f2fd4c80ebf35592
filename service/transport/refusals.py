"""Why what arrives on a call is not taken."""

from __future__ import annotations


class Refused(Exception):
    """What arrived is not taken; the message says why."""


class TooLarge(Refused):
    pass


class UnknownEncoding(Refused):
    pass


class Malformed(Refused):
    pass
