"""What commands take that click has no type for."""

from __future__ import annotations

import math
import re
from typing import Any

import click

from stepwire.addresses import fault, target_fault

_SOCKET_FILE = re.compile(r"unix(-abstract)?:.+")


class Amount(click.FloatRange):
    """A number within limits; `nan`, which no limit keeps out, is none."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is no number", param, ctx)
        return number


class Address(click.ParamType[str]):
    """HOST:PORT, or the file of a socket; gRPC would take another port for one that is left out.
    To connect to, also a target of gRPC's that begins with `dns:`, `ipv4:` or `ipv6:`.
    """

    name = "address"

    def __init__(self, *, listens: bool = False) -> None:
        """`listens`: whether it is to listen on; its port may be 0 then, for a free one."""
        self._listens = listens

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        why = fault(value, lowest_port=0) if self._listens else target_fault(value)
        if why and not _SOCKET_FILE.fullmatch(value):
            self.fail(f"{value!r} is no HOST:PORT: {why}", param, ctx)
        return str(value)
