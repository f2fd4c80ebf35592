"""The HTTP API of a running Prometheus."""

from __future__ import annotations

import contextlib
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, NamedTuple


class Sample(NamedTuple):
    labels: dict[str, str]
    value: float


class Prometheus:
    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """The answer's data. Raises OSError while nobody answers."""
        asked = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                told = json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{query}: {error.read().decode()}") from None
        assert told["status"] == "success" and not told.get("warnings"), told
        data: dict[str, Any] = told["data"]
        return data

    def samples(self, expression: str) -> list[Sample]:
        """What an expression gives at this moment."""
        found = self.get("query", query=expression)["result"]
        return [Sample(one["metric"], float(one["value"][1])) for one in found]

    def await_samples(self, expression: str, count: int = 1, patience: float = 120) -> list[Sample]:
        """Asks until there are `count`."""
        deadline = time.monotonic() + patience
        while True:
            found: list[Sample] | None = None
            with contextlib.suppress(OSError):  # while it starts
                found = self.samples(expression)
            if found is not None and len(found) == count:
                return found
            assert time.monotonic() < deadline, (expression, found)
            time.sleep(0.2)
