"""`model.toml`: what the maker of a foreign ONNX file says of its tensors.

Tensors go by the names they have in the graph. Whatever follows from the graph without
doubt may be left out.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from service.repository.foreign.problems import key

DECLARATION_FILE = "model.toml"

Flag = Annotated[bool, Field(strict=True)]
Shape = tuple[Annotated[int, Field(gt=0, strict=True)], ...]
Axis = Annotated[int, Field(ge=0, strict=True)]


class DeclarationError(ValueError):
    """`model.toml` is wrong; the message names the file and the key."""

    def __init__(self, place: str, message: str) -> None:
        """`place`: the key, empty for the file as a whole."""
        super().__init__(": ".join(part for part in (DECLARATION_FILE, place, message) if part))


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DeclaredTensor(_Part):
    """`[inputs.NAME]` and `[outputs.NAME]`."""

    shape: Shape | None = None
    """One stream's: without the batch axis."""
    batch_axis: Axis | None = None
    """Where the graph has its batch axis."""
    features: tuple[str, ...] = ()
    """What each element along the last axis means, with its unit."""
    symbols: tuple[str, ...] = ()
    """What each whole number stands for, from 0 on; other numbers are then refused."""


class DeclaredState(_Part):
    """`[states.NAME]`, by the name of the input that takes the state."""

    output: str | None = None
    """The output that renews it."""
    shape: Shape | None = None
    """One stream's: without the batch axis."""
    batch_axis: Axis | None = None
    """Where the graph has its batch axis."""
    initial: JsonValue = 0
    """The state before step 0: a number for every element, or nested lists of its shape."""


class DeclaredGolden(_Part):
    """`[golden]`: a run of at least 32 steps from the initial state."""

    file: str | None = None
    """An .npz file beside `model.toml`: an array [steps, *shape] for each input and output."""
    inputs: dict[str, JsonValue] = {}
    """In place of a file: for each input a list of its values, one per step."""
    outputs: dict[str, JsonValue] = {}
    """In place of a file: for each output a list of its values, one per step."""
    atol: Annotated[float, Field(gt=0, strict=True, allow_inf_nan=False)] = 1e-5
    """The largest difference allowed."""

    @model_validator(mode="after")
    def _one_source(self) -> DeclaredGolden:
        if (self.file is None) is not bool(self.inputs or self.outputs):
            raise ValueError("name a file, or list inputs and outputs")
        return self


class Declaration(_Part):
    """The keys at the top."""

    memoryless: Flag = False
    """The graph has no state, on purpose."""
    fixed_batch: Flag = False
    """The graph takes one row, even where its batch axis is open."""
    takes_non_finite: Flag = False
    """NaN and Inf are meaningful inputs."""
    unserved: tuple[str, ...] = ()
    """Outputs that are not sent to clients."""
    inputs: dict[str, DeclaredTensor] = {}
    """What a client sends."""
    outputs: dict[str, DeclaredTensor] = {}
    """What a client gets; the output that renews a state may be among them."""
    states: dict[str, DeclaredState] = {}
    """What the server keeps."""
    constants: dict[str, JsonValue] = {}
    """Inputs that are the same in every run: a number for every element, or nested lists."""
    golden: DeclaredGolden | None = None
    """Outputs that the graph must reproduce when it is loaded."""


def read(path: Path) -> Declaration:
    """Raises DeclarationError."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error  # without the folder
        raise DeclarationError("", f"it cannot be read: {reason}") from error
    except RecursionError as error:
        raise DeclarationError("", "it cannot be read: its lists are nested too deeply") from error
    try:
        return Declaration.model_validate(values)
    except ValidationError as error:
        raise _first(error) from error


def _first(error: ValidationError) -> DeclarationError:
    found: Any = error.errors()[0]
    place = key(*map(str, found["loc"]))
    if found["type"] == "extra_forbidden":
        return DeclarationError(place, "there is no such key")
    message = found["msg"].removeprefix("Value error, ")
    return DeclarationError(place, f"{message}, got {found['input']!r}"[:200])
