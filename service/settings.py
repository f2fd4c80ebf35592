"""Settings: by flag, by `STEPWIRE_*` environment variable, by TOML file; the first one wins."""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

_INT32_SECONDS = 2_000_000
"""gRPC takes milliseconds in 32 bits."""
_TEN_YEARS = 10 * 365 * 86_400

ENVIRONMENT_PREFIX = "STEPWIRE_"


class SettingsError(ValueError):
    """One line for each setting that is wrong, naming it."""


class Settings(BaseSettings):
    """What the service can be told. The description of a field is the help of its flag."""

    model_config = SettingsConfigDict(env_prefix=ENVIRONMENT_PREFIX, extra="forbid")

    listen: str = Field(
        "127.0.0.1:50051", description="HOST:PORT of the gRPC service; port 0 takes a free one"
    )
    insecure: bool = Field(False, description="serve plain text beyond loopback too")
    repository: Path = Field(Path("model_repository"), description="folder of model packages")
    max_streams: int = Field(
        10_000, ge=1, description="streams kept at a time, attached and detached"
    )
    idle_limit: float = Field(
        600.0,
        gt=0,
        le=_TEN_YEARS,
        description="seconds that a detached stream keeps its state",
    )
    window: int = Field(
        8, ge=1, le=1024, description="steps a stream may have unanswered, and outputs kept"
    )
    max_batch: int = Field(256, ge=1, description="streams that run together at most")
    threads: int = Field(1, ge=1, le=1024, description="threads of one run of a model")
    max_message_bytes: int = Field(
        4 * 2**20, ge=1024, le=2**31 - 1, description="size of a gRPC message"
    )
    keepalive: float = Field(
        10.0,
        gt=0,
        le=_INT32_SECONDS,
        description="seconds of silence before a connection is probed",
    )
    keepalive_timeout: float = Field(
        5.0, gt=0, le=_INT32_SECONDS, description="seconds that the answer to a probe may take"
    )
    grace: float = Field(
        10.0,
        ge=0,
        le=_TEN_YEARS,
        description="seconds that a stop may take to answer accepted steps",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least level that is logged"
    )

    @property
    def host(self) -> str:
        return self.listen.rpartition(":")[0]

    @field_validator("listen")
    @classmethod
    def _is_address(cls, listen: str) -> str:
        host, _, port = listen.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise ValueError("not HOST:PORT")
        return listen

    @model_validator(mode="after")
    def _plain_text_stays_home(self) -> Settings:
        if not self.insecure and not _is_loopback(self.host):
            raise ValueError(
                f"listen: {self.listen} can be reached from elsewhere, and the service speaks "
                "plain text: listen on 127.0.0.1, or allow it with --insecure"
            )
        return self


def load(flags: Mapping[str, Any], file: Path | None = None) -> Settings:
    """Raises SettingsError."""
    values = _read(file) if file else {}

    class Sourced(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, InitSettingsSource(settings_cls, values)

    try:
        return Sourced(**flags)
    except ValidationError as error:
        raise SettingsError("\n".join(map(_line, error.errors()))) from error


def flag_of(name: str) -> str:
    return "--" + name.replace("_", "-")


def variable_of(name: str) -> str:
    return ENVIRONMENT_PREFIX + name.upper()


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"config: {file} cannot be read: {error}") from error


def _line(error: Any) -> str:
    message = error["msg"].removeprefix("Value error, ")
    if not error["loc"]:
        return str(message)
    name = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        return f"{name}: there is no such setting"
    return f"{name} ({flag_of(name)}, {variable_of(name)}): {message}, got {error['input']!r}"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
