"""The file of credentials, in TOML; it holds hashes, never a token.

[[credential]]
name = "robot-7"
token_sha256 = "…"          # 64 hexadecimal digits
models = ["pendulum-*"]     # patterns as a shell's; "*" is all
namespace = "plant-a"       # left out, the name
operator = false            # whether it may load and unload models
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable
from fnmatch import translate
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from service.access.credentials import Credential, Credentials
from service.access.files import Watched, warn_if_readable_by_all

_NAME = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_PATTERN = re.compile(r"(?=.{1,128}$)([A-Za-z0-9._*?-]|\[!?[A-Za-z0-9._-]+\])+")
_NOTHING = "(?!)"
"""What a range that runs backwards, as `[z-a]`, is in a regular expression."""
_HASH = re.compile(r"[0-9a-fA-F]{64}")


class TokensError(ValueError):
    """The file is wrong; the message names it and the place, and holds nothing secret."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    token_sha256: str
    models: list[str]
    namespace: str | None = None
    operator: Annotated[bool, Field(strict=True)] = False

    @field_validator("models", mode="before")
    @classmethod
    def _one_or_several(cls, models: Any) -> Any:
        return [models] if isinstance(models, str) else models

    @field_validator("models")
    @classmethod
    def _are_patterns(cls, models: list[str]) -> list[str]:
        if not all(map(_may_cover, models)):
            raise ValueError("not patterns of model names, as `pendulum-*`")
        return models

    @field_validator("name", "namespace")
    @classmethod
    def _is_name(cls, name: str | None, info: ValidationInfo) -> str | None:
        may_be_empty = info.field_name == "namespace"
        if name is None or _NAME.fullmatch(name) or (not name and may_be_empty):
            return name
        raise ValueError("not 1 to 64 characters of A-Za-z0-9._:-")

    @field_validator("token_sha256")
    @classmethod
    def _is_hash(cls, digits: str) -> str:
        if not _HASH.fullmatch(digits):
            raise ValueError("not a SHA-256, 64 hexadecimal digits: make one with `stepwire token`")
        return digits


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    credential: list[_Entry] = []


def watch(path: Path) -> Watched[Credentials]:
    """Raises TokensError."""
    return Watched((path,), lambda: read(path))


def read(path: Path) -> Credentials:
    """Raises TokensError. Warns of a file that every user of the machine may read."""
    try:
        text = path.read_text(encoding="utf-8")
        warn_if_readable_by_all("tokens", path)
    except (OSError, UnicodeDecodeError) as error:
        raise TokensError(f"tokens: {path} cannot be read: {_reason(error)}") from error
    try:
        return parse(text)
    except TokensError as error:
        raise TokensError(f"tokens: {path}: {error}") from error


def parse(text: str) -> Credentials:
    """Raises TokensError."""
    try:
        entries = _File.model_validate(tomllib.loads(text)).credential
    except tomllib.TOMLDecodeError as error:
        raise TokensError(f"no TOML: {error}") from error
    except RecursionError as error:
        raise TokensError("no TOML: its lists are nested too deeply") from error
    except ValidationError as error:
        raise TokensError(_first(error)) from error
    _refuse_twins("name", (entry.name for entry in entries))
    _refuse_twins("token_sha256", (entry.token_sha256.lower() for entry in entries))
    return Credentials(map(_credential, entries))


def entry(credential: Credential) -> str:
    """The lines of the file that are this credential."""
    lines = [
        "[[credential]]",
        f'name = "{credential.name}"',
        f'token_sha256 = "{credential.token_hash.hex()}"',
        f"models = {json.dumps(credential.models)}",
        f'namespace = "{credential.namespace}"',
    ]
    if credential.operator:
        lines.append("operator = true")
    return "\n".join(lines) + "\n"


def _credential(entry: _Entry) -> Credential:
    return Credential(
        entry.name,
        bytes.fromhex(entry.token_sha256),
        entry.name if entry.namespace is None else entry.namespace,
        tuple(entry.models),
        entry.operator,
    )


def _may_cover(pattern: str) -> bool:
    """Whether there can be a model's name that it covers."""
    return bool(_PATTERN.fullmatch(pattern)) and _NOTHING not in translate(pattern)


def _refuse_twins(key: str, values: Iterable[str]) -> None:
    places: dict[str, int] = {}
    for place, value in enumerate(values, 1):
        if value in places:
            raise TokensError(f"credentials {places[value]} and {place} have the same {key}")
        places[value] = place


def _first(error: ValidationError) -> str:
    """Without the value, which may be a token in the wrong place."""
    found: Any = error.errors()[0]
    place = ".".join(str(part + 1) if isinstance(part, int) else part for part in found["loc"])
    if found["type"] == "extra_forbidden":
        return f"{place}: there is no such key"
    return f"{place}: {found['msg'].removeprefix('Value error, ')}"


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or "an error") if isinstance(error, OSError) else "it is no UTF-8"
