"""The device that a service is told to compute on, as people write it."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    AUTO = "auto"
    """CUDA where it is there, else the CPU."""
    CPU = "cpu"
    CUDA = "cuda"


class Wanted(NamedTuple):
    kind: Kind
    number: int = 0
    """Of the CUDA device."""


def wanted(text: str) -> Wanted:
    """`auto`, `cpu`, `cuda` or `cuda:N`. Raises ValueError."""
    found = re.fullmatch(r"(auto|cpu|cuda)|cuda:([0-9]{1,4})", text)
    if not found:
        raise ValueError("not auto, cpu, cuda or cuda:N, such as cuda:0")
    kind, number = found.groups()
    return Wanted(Kind(kind)) if kind else Wanted(Kind.CUDA, int(number))


def checked(text: str) -> str:
    """The same text. Raises ValueError if it names no device."""
    wanted(text)
    return text
