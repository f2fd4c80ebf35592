"""Settings: by flag, by `STEPWIRE_*` environment variable, by TOML file; the first one wins."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ByteSize, Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from service.addresses import address, host_of, is_loopback, url
from service.core.swap import Swap
from service.core.wanted import checked

_INT32_SECONDS = 2_000_000
"""gRPC takes milliseconds in 32 bits."""
_TEN_YEARS = 10 * 365 * 86_400

ENVIRONMENT_PREFIX = "STEPWIRE_"

Address = Annotated[str, AfterValidator(address)]
Url = Annotated[str, AfterValidator(url)]
DeviceName = Annotated[str, AfterValidator(checked)]


class SettingsError(ValueError):
    """One line for each setting that is wrong, naming it."""


class Settings(BaseSettings):
    """What the service can be told. The description of a field is the help of its flag."""

    model_config = SettingsConfigDict(env_prefix=ENVIRONMENT_PREFIX, extra="forbid")

    listen: Address = Field(
        "127.0.0.1:50051", description="HOST:PORT of the gRPC service; port 0 takes a free one"
    )
    insecure: bool = Field(False, description="serve plain text beyond loopback too")
    tls_cert: Path | None = Field(
        None, description="PEM file: the certificate, then those between it and its authority"
    )
    tls_key: Path | None = Field(None, description="PEM file: the certificate's private key")
    tls_client_ca: Path | None = Field(
        None, description="PEM file: who signs the certificates that clients then need"
    )
    tokens: Path | None = Field(
        None, description="TOML file of credentials, one of which each call then needs"
    )
    http_listen: Address | None = Field(
        None,
        description="HOST:PORT of health, readiness and metrics over HTTP, always in plain text; "
        "port 0 takes a free one",
    )
    console: Literal["auto", "on", "off"] = Field(
        "auto",
        description="live page on the HTTP port: on, off, or auto (on where the port listens on "
        "loopback)",
    )
    transport: Literal["grpc", "nghttp2"] = Field(
        "grpc",
        description="what carries the gRPC service: grpc (gRPC's own library) or nghttp2 (less "
        "processor time a message; needs the extra `fast` and Debian's libnghttp2-14)",
    )
    workers: int = Field(
        1, ge=1, le=1024, description="processes that share the port of the gRPC service"
    )
    repository: Path = Field(Path("model_repository"), description="folder of model packages")
    swap: Swap = Field(
        Swap.DRAIN,
        description="what a newer version of a model does to the streams of older ones when it is "
        "loaded: drain (they finish where they are) or handover (they go on at it)",
    )
    max_streams: int = Field(
        10_000, ge=1, description="streams kept at a time, attached and detached"
    )
    idle_limit: float = Field(
        600.0,
        gt=0,
        le=_TEN_YEARS,
        description="seconds that a detached stream keeps its state",
    )
    sequence_idle: float = Field(
        60.0,
        gt=0,
        le=_TEN_YEARS,
        description="seconds that a sequence of Triton's protocol is kept after its last request",
    )
    store: str = Field(
        "memory",
        description="where streams are saved: memory, sqlite:PATH or redis://HOST:PORT/DB",
    )
    checkpoint_interval: float = Field(
        0.1, gt=0, le=60, description="seconds from one round of saving streams to the next"
    )
    takeover_wait: float = Field(
        1.0,
        ge=0,
        le=600,
        description="seconds that another server has to release a stream opened here",
    )
    store_timeout: float = Field(
        1.0, gt=0, le=600, description="seconds that the store may take to answer"
    )
    window: int = Field(
        8, ge=1, le=1024, description="steps a stream may have unanswered, and outputs kept"
    )
    max_utilization: float = Field(
        0.8,
        gt=0,
        le=64,
        description="share of a processor that streams may declare together, by their rates",
    )
    max_batch: int = Field(256, ge=1, description="streams that run together at most")
    threads: int | None = Field(
        None,
        ge=1,
        le=1024,
        description="threads of one run of a model; by default one, and for a slow model as "
        "many as each worker has processors, if they make it faster",
    )
    device: DeviceName = Field(
        "auto",
        description="where models run and states live: cpu, cuda, cuda:N, or auto (cuda where it "
        "is there, else cpu)",
    )
    device_memory: ByteSize | None = Field(
        None,
        ge=2**20,
        description="of the device, for each model in service, in bytes or as 4GiB: half for the "
        "states of its streams, half for ONNX Runtime; by default the states of each model have "
        "half of what is free when it is loaded",
    )
    deterministic: bool = Field(
        False,
        description="every run on CUDA has as many rows as the largest, so that no bit of a "
        "stream depends on its neighbours; on the CPU none does anyway",
    )
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
    otlp_endpoint: Url | None = Field(
        None, description="URL of who takes OpenTelemetry traces (OTLP over HTTP)"
    )
    trace_sample: float = Field(
        0.01, ge=0, le=1, description="share of calls that are traced where no client decides"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least level that is logged"
    )
    log_format: Literal["console", "json"] = Field(
        "console", description="lines for people, or each a JSON object"
    )

    @property
    def processors(self) -> int:
        """That each worker has, all of them at work."""
        usable = getattr(os, "sched_getaffinity", None)  # not everywhere
        known = len(usable(0)) if usable else os.cpu_count() or 1
        return max(1, known // self.workers)

    @property
    def serves_console(self) -> bool:
        """Whether there is a live page."""
        if self.console == "auto":
            return bool(self.http_listen) and is_loopback(host_of(self.http_listen or ""))
        return self.console == "on"

    @property
    def host(self) -> str:
        return host_of(self.listen)

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Settings:
        if (self.tls_cert is None) is not (self.tls_key is None):
            raise ValueError("tls: --tls-cert and --tls-key go together")
        if self.tls_client_ca and not self.tls_cert:
            raise ValueError("tls: --tls-client-ca needs --tls-cert and --tls-key")
        return self

    @model_validator(mode="after")
    def _plain_text_stays_home(self) -> Settings:
        if not (self.insecure or self.tls_cert or is_loopback(self.host)):
            raise ValueError(
                f"listen: {self.listen} can be reached from elsewhere, and the service speaks "
                "plain text: listen on 127.0.0.1, give it a certificate with --tls-cert and "
                "--tls-key, or allow it with --insecure"
            )
        return self

    @model_validator(mode="after")
    def _workers_share_a_store(self) -> Settings:
        if self.workers > 1 and self.store == "memory":
            raise ValueError(
                f"workers: {self.workers} processes need a store that all of them reach, and "
                "memory is none: name one with --store sqlite:PATH or redis://HOST:PORT/DB"
            )
        return self

    @model_validator(mode="after")
    def _http_stays_home(self) -> Settings:
        if self.http_listen and not (self.insecure or is_loopback(host_of(self.http_listen))):
            raise ValueError(
                f"http_listen: {self.http_listen} can be reached from elsewhere, and it speaks "
                "plain text: listen on 127.0.0.1, or allow it with --insecure"
            )
        return self

    @model_validator(mode="after")
    def _console_has_a_port(self) -> Settings:
        if self.console == "on" and not self.http_listen:
            raise ValueError("console: the live page needs a port: give it --http-listen HOST:PORT")
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


def default_of(name: str) -> str:
    """As people are told it."""
    default = Settings.model_fields[name].default
    return {False: "off", None: "none"}.get(default, str(default))


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
