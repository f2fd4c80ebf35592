"""The channel to a server: how it is secured, and what shows who calls."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import grpc

Metadata = tuple[tuple[str, str], ...]
PemFile = str | PathLike[str]

_OPTIONS = (
    # A server that comes back is found at once, one that is gone within seconds.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
    # Two clients of a process do not share a connection.
    ("grpc.use_local_subchannel_pool", 1),
)
_BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""The token of RFC 6750, section 2.1."""


class ReadableCredential(ValueError):
    """Others could read the credential on its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """How the connection is kept from others, and the credential that the server asks for."""

    tls: bool = False
    ca: PemFile | None = None
    certificate: PemFile | None = None
    key: PemFile | None = None
    credential: str | None = field(default=None, repr=False)
    plaintext_credential: bool = False

    @property
    def encrypted(self) -> bool:
        return self.tls or self.ca is not None or self.certificate is not None

    def check(self, target: str) -> None:
        """Raises ValueError for what does not go together or gives the credential away."""
        if (self.certificate is None) != (self.key is None):
            raise ValueError("a client's certificate and its key go together: give both or none")
        if self.credential is None:
            return
        if not _BEARER.fullmatch(self.credential):
            raise ValueError("a credential is made of letters, digits and -._~+/ and may end in =")
        if not (self.encrypted or self.plaintext_credential or is_loopback(target)):
            raise ReadableCredential(
                f"whoever is between here and {target} could read the credential: give `ca` or "
                "`tls=True`, or allow it by `plaintext_credential=True`"
            )

    def metadata(self) -> Metadata:
        """Goes with each call."""
        return (("authorization", f"Bearer {self.credential}"),) if self.credential else ()


def open_channel(target: str, security: Security, max_message_bytes: int) -> grpc.aio.Channel:
    """A channel to HOST:PORT; nothing is sent yet. Raises ValueError or OSError."""
    security.check(target)
    options = (
        *_OPTIONS,
        ("grpc.max_receive_message_length", max_message_bytes),
        ("grpc.max_send_message_length", max_message_bytes),
    )
    if not security.encrypted:
        return grpc.aio.insecure_channel(target, options)
    credentials = grpc.ssl_channel_credentials(
        _pem(security.ca), _pem(security.key), _pem(security.certificate)
    )
    return grpc.aio.secure_channel(target, credentials, options)


def is_loopback(target: str) -> bool:
    """Whether HOST:PORT, or a gRPC target, names this machine beyond doubt."""
    if target.startswith(("unix:", "unix-abstract:")):
        return True
    host = target.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _pem(path: PemFile | None) -> bytes | None:
    if path is None:
        return None
    data = Path(path).read_bytes()
    if b"-----BEGIN " not in data:
        raise ValueError(f"{path} is not a PEM file")
    return data
