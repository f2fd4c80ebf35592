"""The parameters of a user's forward or step."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from export.source import ExportRefused

POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def parameters_of(function: Callable[..., Any]) -> tuple[inspect.Parameter, ...]:
    """Those that are given by position, `*args` included."""
    found = inspect.signature(function).parameters.values()
    return tuple(p for p in found if p.kind in (*POSITIONAL, p.VAR_POSITIONAL))


def input_names(function: Callable[..., Any]) -> tuple[str, ...]:
    """What must be given: parameters with a default are left at it. Raises ExportRefused."""
    names = tuple(
        p.name for p in parameters_of(function) if p.kind in POSITIONAL and p.default is p.empty
    )
    if not names:
        raise ExportRefused("forward must take its inputs as named parameters, such as forward(x)")
    return names
