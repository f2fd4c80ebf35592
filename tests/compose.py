"""The compose file as data, as the engine would take it without any environment."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tests.pages import ROOT

_VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
VARIABLES: dict[str, str] = dict(_VARIABLE.findall(TEXT))
"""The variables that it reads, and what they are where nobody sets them."""


def services() -> dict[str, dict[str, Any]]:
    loaded = yaml.safe_load(_VARIABLE.sub(r"\2", TEXT))
    found: dict[str, dict[str, Any]] = loaded["services"]
    return found


def profile_of(service: dict[str, Any]) -> str:
    """Empty for one that is always there."""
    (profile,) = service.get("profiles", [""])
    return str(profile)


def published(service: dict[str, Any]) -> list[str]:
    """ADDRESS:PORT of this machine."""
    return [port.rpartition(":")[0] for port in service.get("ports", [])]
