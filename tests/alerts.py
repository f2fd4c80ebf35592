"""The alert rules that Prometheus is given."""

from __future__ import annotations

from typing import NamedTuple

import yaml

from tests.pages import ROOT

FOLDER = ROOT / "deploy" / "prometheus"


class Alert(NamedTuple):
    name: str
    expression: str
    patience: str
    """How long it must hold: a number and a unit."""
    severity: str


def alerts() -> list[Alert]:
    text = (FOLDER / "alerts.yml").read_text(encoding="utf-8")
    return [
        Alert(rule["alert"], rule["expr"], rule["for"], rule["labels"]["severity"])
        for group in yaml.safe_load(text)["groups"]
        for rule in group["rules"]
    ]
