"""What every process of a service is told to do with a model, and what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    LIST = "list"
    LOAD = "load"
    UNLOAD = "unload"


@dataclass(frozen=True, slots=True)
class Order:
    action: Action
    model: str = ""
    """Empty: every model."""
    version: int | None = None
    """None: the newest, or every version, as the action has it."""


@dataclass(frozen=True, slots=True)
class ModelState:
    name: str
    version: int
    refused: str = ""
    """Why it does not serve; empty if it does."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of an order in one process."""

    models: tuple[ModelState, ...] = ()
    """Those that the order named, as they are after it."""
    error: str = ""
    """The name of a ServiceError; empty if the order was carried out."""
    message: str = ""
    worker: str = ""
    """Which process; empty if there is only one."""


CarryOut = Callable[[Order], Awaitable[Outcome]]
"""In this process."""
FanOut = Callable[[Order], Awaitable[list[Outcome]]]
"""In every process of the service, this one among them."""
