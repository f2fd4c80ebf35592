"""The certificate, key and client authorities of TLS, from PEM files."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import NamedTuple

from service.access.files import Watched, warn_if_readable_by_all


class CertificateError(ValueError):
    """A file cannot be used; the message names its setting, the file, and what to do."""


class Certificates(NamedTuple):
    """As the files have them, in PEM."""

    chain: bytes
    key: bytes
    client_authorities: bytes | None
    """Who signs the certificates of clients; None: clients need none."""


def watch(certificate: Path, key: Path, client_ca: Path | None) -> Watched[Certificates]:
    """Raises CertificateError."""
    paths = (certificate, key, client_ca) if client_ca else (certificate, key)
    return Watched(paths, lambda: read(certificate, key, client_ca))


def read(certificate: Path, key: Path, client_ca: Path | None) -> Certificates:
    """Raises CertificateError unless a server can use them together.

    Warns of a key that every user of the machine may read.
    """
    chain = _bytes("tls-cert", certificate)
    key_bytes = _bytes("tls-key", key)
    authorities = _bytes("tls-client-ca", client_ca) if client_ca else None
    _check_certificates("tls-cert", certificate, chain)
    if client_ca and authorities is not None:
        _check_certificates("tls-client-ca", client_ca, authorities)
    _check_pair(certificate, key)
    warn_if_readable_by_all("tls-key", key)
    return Certificates(chain, key_bytes, authorities)


def _bytes(setting: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CertificateError(f"{setting}: {path} cannot be read: {error.strerror}") from error


def _check_certificates(setting: str, path: Path, content: bytes) -> None:
    try:
        _context().load_verify_locations(cadata=content.decode("ascii"))
    except (ssl.SSLError, ValueError) as error:
        raise CertificateError(f"{setting}: {path} holds no certificate in PEM") from error


def _check_pair(certificate: Path, key: Path) -> None:
    try:
        _context().load_cert_chain(certificate, key, password=_refuse_to_ask)
    except _Encrypted as error:
        raise CertificateError(
            f"tls-key: {key} is encrypted, and a server has nobody to ask for the password: "
            f"decrypt it with `openssl pkey -in {key} -out FILE`"
        ) from error
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise CertificateError(
                f"tls-key: {key} is not the key of the certificate {certificate}"
            ) from error
        if error.reason is None:
            raise CertificateError(f"tls-key: {key} holds no private key in PEM") from error
        reason = error.reason.replace("_", " ").lower()
        raise CertificateError(f"tls-cert: {certificate} cannot be used: {reason}") from error
    except OSError as error:
        raise CertificateError(f"tls-key: {key} cannot be read: {error.strerror}") from error


def _context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


class _Encrypted(Exception):
    pass


def _refuse_to_ask() -> str:
    raise _Encrypted
