"""What commands take that click has no type for."""

from __future__ import annotations

import math
import re
from typing import Any

import click

_ADDRESS = re.compile(r".+:\d+|unix(-abstract)?:.+")


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
    """HOST:PORT; gRPC would take another port for one that is left out."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not _ADDRESS.fullmatch(value):
            self.fail(f"{value!r} is no HOST:PORT, as localhost:50051 is", param, ctx)
        return str(value)
