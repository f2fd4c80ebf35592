"""The HTTP port of a server, as a probe and as Prometheus reads it."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from torture.processes import Server

ANYWHERE = ("--http-listen", "127.0.0.1:0")
_SECONDS = 30


class HttpPort:
    """Of a server started with `ANYWHERE`."""

    def __init__(self, server: Server) -> None:
        assert server.process.stdout
        line = server.process.stdout.readline()
        found = re.fullmatch(r"stepwire: health and metrics on (http://127\.0\.0\.1:\d+)\n", line)
        assert found, line
        self.url = found[1]

    def get(self, path: str) -> tuple[int, str]:
        """Status and text."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=_SECONDS) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def ready(self) -> tuple[int, dict[str, Any]]:
        status, text = self.get("/readyz")
        return status, json.loads(text)

    def metrics(self) -> Metrics:
        return Metrics(self.get("/metrics")[1])


class Metrics:
    """One scrape."""

    def __init__(self, text: str) -> None:
        self._samples = [
            sample for family in text_string_to_metric_families(text) for sample in family.samples
        ]

    def total(self, name: str, **labels: str) -> float:
        """Over the samples of this name that have at least these labels; 0 if none has."""
        return sum(
            sample.value
            for sample in self._samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )
