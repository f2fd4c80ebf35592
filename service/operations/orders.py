"""What every process of a service is told to do with a model, and what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from service.core.streams import ModelKey


class Action(StrEnum):
    LIST = "list"
    LOAD = "load"
    UNLOAD = "unload"


class Standing(StrEnum):
    """Of a model version in a process."""

    SERVING = "serving"
    DRAINING = "draining"
    """Takes no new streams, and still has some."""
    REFUSED = "refused"
    NOT_LOADED = "not loaded"


@dataclass(frozen=True, slots=True)
class Order:
    action: Action
    model: str = ""
    """Empty: every model."""
    version: int | None = None
    """None: the newest, or every version, as the action has it."""
    hand_over: bool = False
    """Of a load: whether the streams of older versions then move to it."""


@dataclass(frozen=True, slots=True)
class ModelState:
    name: str
    version: int
    standing: Standing = Standing.SERVING
    reason: str = ""
    """Why it is refused; of a version in service, why a later file of its number is."""
    streams: int = 0
    """In memory, attached and detached."""
    digest: str = ""
    """Of the file in service; empty if none is."""

    @property
    def key(self) -> ModelKey:
        return ModelKey(self.name, self.version)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of an order in one process."""

    models: tuple[ModelState, ...] = ()
    """Those that the order named, as they are after it."""
    error: str = ""
    """The name of a ServiceError; empty if the order was carried out."""
    message: str = ""
    moved: int = 0
    """Streams that were handed over."""
    notes: tuple[str, ...] = ()
    """Which streams were not, and why."""
    worker: str = ""
    """Which process; empty if there is only one."""


FanOut = Callable[[Order], Awaitable[list[Outcome]]]
"""In every process of the service, this one among them."""
