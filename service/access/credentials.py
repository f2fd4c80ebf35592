"""Credentials: what each caller may touch, known by the hash of its token."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Credential:
    name: str
    token_hash: bytes = field(repr=False)
    namespace: str
    """Of the streams that it opens."""
    models: tuple[str, ...]
    """Patterns as a shell's: `*`, `?`, `[a-z]`."""
    operator: bool = False
    """Whether it may load and unload models."""

    @property
    def covers_all(self) -> bool:
        return "*" in self.models

    def covers(self, model: str) -> bool:
        return any(fnmatchcase(model, pattern) for pattern in self.models)


ANYONE = Credential("", b"", "", ("*",), operator=True)
"""The caller of a service without credentials."""


class Credentials:
    def __init__(self, credentials: Iterable[Credential]) -> None:
        self._by_hash = {credential.token_hash: credential for credential in credentials}

    def __len__(self) -> int:
        return len(self._by_hash)

    def find(self, token_hash: bytes) -> Credential | None:
        """Whose token has this hash.

        How long it takes can tell of the hash of a guess only, and no guess can be
        steered towards a hash: the token itself is compared nowhere.
        """
        return self._by_hash.get(token_hash)


def make_token() -> str:
    """256 random bits in 43 characters."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_token(token: str) -> bytes:
    """A token is random and long, so that a plain SHA-256 of it cannot be reversed."""
    return hashlib.sha256(token.encode()).digest()
