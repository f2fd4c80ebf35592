"""Logs: what a line knows beside its message, and how lines are written."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from service.core.streams import ModelKey, Stream, StreamKey

FIELDS = ("stream", "model", "step", "error")
"""What the `extra` of a line may hold: text, but for the number of a step."""


def about(stream: Stream, **more: object) -> dict[str, object]:
    """The `extra` of a line on a stream; `more` of `FIELDS`."""
    return known(stream.key, stream.model, **more)


def known(stream: StreamKey, model: ModelKey, **more: object) -> dict[str, object]:
    """What `about` gives, where the stream may have ended."""
    return {"stream": str(stream), "model": str(model), **more}


def formatter(log_format: str, worker: str = "") -> logging.Formatter:
    """`log_format`: console or json. `worker`: its name, if there are many."""
    if log_format == "json":
        return JsonLines(worker)
    who = f" worker {worker}" if worker else ""
    return logging.Formatter(f"%(asctime)s %(levelname)s{who} %(name)s: %(message)s")


class JsonLines(logging.Formatter):
    """Each event as one line, an object."""

    def __init__(self, worker: str = "") -> None:
        super().__init__()
        self._worker = {"worker": worker} if worker else {}

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _rfc3339(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **self._worker,
        }
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def _rfc3339(seconds: float) -> str:
    """In UTC; `seconds` since 1970."""
    time = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return time.replace("+00:00", "Z")
