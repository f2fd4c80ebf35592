"""What a graph leaves open, and the lines of `model.toml` that would settle it."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class Problem(NamedTuple):
    message: str
    lines: tuple[str, ...] = ()
    """To add, or to choose from; a `?` in them stands for what only a person knows."""
    choose: bool = False
    roles: tuple[str, ...] = ()
    """Tensors of which it is in doubt whether they are inputs, outputs, states or constants."""

    def __str__(self) -> str:
        if not self.lines:
            return self.message
        joined = (" or " if self.choose else " and ").join(f"`{line}`" for line in self.lines)
        return f"{self.message}: add {joined} to model.toml"


def key(*parts: str) -> str:
    """A dotted key of TOML; parts that need quotes get them."""
    return ".".join(
        part if _BARE_KEY.fullmatch(part) else json.dumps(part, ensure_ascii=False)
        for part in parts
    )


def line(value: str, *parts: str) -> str:
    """`parts` dotted = value, the value as TOML writes it."""
    return f"{key(*parts)} = {value}"


def text(value: str) -> str:
    """A TOML string."""
    return json.dumps(value, ensure_ascii=False)
