"""What the page asks each process of a service, and what that shows of itself."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from fnmatch import fnmatchcase

from service.console.counted import Counted
from service.core.streams import ModelKey, StreamKey


class Sort(StrEnum):
    """Of streams."""

    ID = "id"
    MODEL = "model"
    STEP = "step"
    RATE = "rate"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which models and streams who asks may see, and wants to."""

    namespace: str | None = None
    """None: every one."""
    patterns: tuple[str, ...] = ("*",)
    """Of models' names, as a credential has them."""
    model: str = ""
    """NAME/VERSION; empty: every one."""

    def of_all_models(self) -> Scope:
        return replace(self, model="")

    def includes(self, namespace: str) -> bool:
        return self.namespace in (None, namespace)

    def covers(self, model: ModelKey) -> bool:
        if self.model not in ("", str(model)):
            return False
        return any(fnmatchcase(model.name, pattern) for pattern in self.patterns)


@dataclass(frozen=True, slots=True)
class Query:
    scope: Scope = Scope()
    text: str = ""
    """Part of the ids, or of the model's name, of the streams to list; in any case."""
    sort: Sort = Sort.ID
    descending: bool = False
    limit: int = 0
    """Streams to list at most; 0: none is looked at."""
    watched: StreamKey | None = None
    """Whose outputs are asked for."""
    after: int = -1
    """Only the outputs of steps after this one."""


@dataclass(frozen=True, slots=True)
class ModelView:
    """A model version in a process."""

    model: ModelKey
    streams: int
    """That have a slot."""
    counted: Counted
    """As long as the process lives."""
    serves: bool = True
    """False: it has left service, and only its counts are shown."""


@dataclass(frozen=True, slots=True)
class StreamView:
    key: StreamKey
    model: ModelKey
    next_step: int
    attached: bool
    rate: float | None = None
    """Timesteps a second; None: not known yet."""
    idle: float | None = None
    """Seconds since a step was seen to run; None: none was."""
    worker: str = ""
    """Which process has it; empty if there is only one."""


@dataclass(frozen=True, slots=True)
class Listing:
    streams: tuple[StreamView, ...] = ()
    """In the order asked for, the first of them only."""
    matched: int = 0
    """How many there are."""
    attached: int = 0
    """In scope, whatever the text."""
    detached: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """Outputs of a stream, one of its features a row."""

    model: ModelKey
    names: tuple[str, ...]
    features: int
    """How many there are; of many only the first have rows."""
    next_step: int
    """Lower than before, once the stream began anew."""
    steps: tuple[int, ...]
    values: tuple[tuple[float, ...], ...]
    """[rows][steps]"""


@dataclass(frozen=True, slots=True)
class View:
    models: tuple[ModelView, ...] = ()
    listing: Listing = field(default_factory=Listing)
    line: Line | None = None
    """None: this process does not have the stream, or none was asked for."""
