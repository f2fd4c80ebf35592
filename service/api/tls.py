"""Certificates as each transport takes them.

Each new connection meets the files as they are then; older connections go on. Clients need a
certificate of their own if the files name who signs them.
"""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path
from typing import Any, Self

import grpc

from service.access.certificates import Certificates
from service.access.files import Watched


def server_credentials(certificates: Watched[Certificates]) -> grpc.ServerCredentials:
    """For gRPC's own library."""

    def fetch() -> grpc.ServerCertificateConfiguration | None:
        return _configuration(certificates.content) if certificates.refresh() else None

    return grpc.dynamic_ssl_server_credentials(
        _configuration(certificates.content),
        fetch,  # type: ignore[arg-type]  # None, which its type leaves out, is for no change
        require_client_authentication=certificates.content.client_authorities is not None,
    )


def _configuration(content: Certificates) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration(
        [(content.key, content.chain)], root_certificates=content.client_authorities
    )


def server_context(certificates: Watched[Certificates]) -> ssl.SSLContext:
    """For asyncio."""
    context = _Fresh(ssl.PROTOCOL_TLS_SERVER)
    context.follow(certificates)
    return context


class _Fresh(ssl.SSLContext):
    """Hands each connection to a context of the files as they are then."""

    def __new__(cls, protocol: int) -> Self:
        return super().__new__(cls, protocol)

    def follow(self, certificates: Watched[Certificates]) -> None:
        self._certificates = certificates
        self._current = _context(certificates.content)

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        if self._certificates.refresh():
            self._current = _context(self._certificates.content)
        return self._current.wrap_bio(*args, **kwargs)


def _context(content: Certificates) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["h2"])
    with tempfile.TemporaryDirectory() as folder:
        chain, key = Path(folder, "chain.pem"), Path(folder, "key.pem")
        chain.write_bytes(content.chain)
        key.write_bytes(content.key)
        context.load_cert_chain(chain, key)
    if content.client_authorities is not None:
        context.load_verify_locations(cadata=content.client_authorities.decode("ascii"))
        context.verify_mode = ssl.CERT_REQUIRED
    return context
