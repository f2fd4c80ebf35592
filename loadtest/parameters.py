"""What commands take that click has no type for."""

from __future__ import annotations

import math
import re
from typing import Any

import click

from stepwire.addresses import fault

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
    """HOST:PORT, or the file of a socket; gRPC would take another port for one that is left out."""

    name = "address"

    def __init__(self, *, lowest_port: int = 1) -> None:
        """`lowest_port`: 0 for whoever listens, and takes a free one then."""
        self._lowest_port = lowest_port

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        why = fault(value, lowest_port=self._lowest_port)
        if why and not _SOCKET_FILE.fullmatch(value):
            self.fail(f"{value!r} is no HOST:PORT: {why}", param, ctx)
        return str(value)
