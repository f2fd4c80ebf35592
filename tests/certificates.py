"""Certificates made for a test, as files."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import trustme

YESTERDAY = datetime.now(UTC) - timedelta(days=1)


class Pair(NamedTuple):
    certificate: Path
    key: Path


class Authority:
    """Signs certificates, and puts them into a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._numbers = itertools.count()
        self._authority = trustme.CA()
        self.certificate = folder / "ca.pem"
        self._authority.cert_pem.write_to_path(self.certificate)

    def issue(self, name: str, *, expired: bool = False) -> Pair:
        """For the host or the client of that name, in files of their own."""
        made = self._authority.issue_cert(
            name,
            not_before=YESTERDAY - timedelta(days=1) if expired else None,
            not_after=YESTERDAY if expired else None,
        )
        place = self._folder / f"{name}-{next(self._numbers)}"
        pair = Pair(place.with_suffix(".pem"), place.with_suffix(".key"))
        pair.certificate.write_bytes(b"".join(part.bytes() for part in made.cert_chain_pems))
        made.private_key_pem.write_to_path(pair.key)
        return pair
