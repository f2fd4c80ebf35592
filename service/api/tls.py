"""Certificates as gRPC takes them."""

from __future__ import annotations

import grpc

from service.access.certificates import Certificates
from service.access.files import Watched


def server_credentials(certificates: Watched[Certificates]) -> grpc.ServerCredentials:
    """Each new connection meets the files as they are then; older connections go on.

    Clients need a certificate of their own if the files name who signs them.
    """

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
