from __future__ import annotations

import json
import logging
import sys
from datetime import datetime

import pytest

from service.core.lateness import LatePolicy
from service.core.streams import Stream, StreamKey
from service.logs import FIELDS, about, formatter
from tests.fakes import MODEL, TOKEN, Connection

SECONDS = 1_777_886_400.25


def record(message: str, **extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"name": "service.engine", "levelno": 20, "levelname": "INFO"})
    made.msg, made.created = message, SECONDS
    for name, value in extra.items():
        setattr(made, name, value)
    return made


def stream(namespace: str = "") -> Stream:
    return Stream(StreamKey(namespace, "arm-7"), TOKEN, MODEL, LatePolicy.FLAG, Connection())


def test_an_event_is_one_line_with_what_is_known_of_it() -> None:
    extra = about(stream("lab"), step=3, error="STEP_GAP")
    line = formatter("json", "2").format(record("it\nhappened", **extra))
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "2026-05-04T09:20:00.250Z",
        "level": "info",
        "logger": "service.engine",
        "message": "it\nhappened",
        "worker": "2",
        "stream": "lab/arm-7",
        "model": str(MODEL),
        "step": 3,
        "error": "STEP_GAP",
    }


def test_times_are_those_of_the_event_in_utc() -> None:
    told = json.loads(formatter("json").format(record("")))["time"]
    assert datetime.fromisoformat(told).timestamp() == SECONDS


def test_what_is_not_known_is_left_out() -> None:
    told = json.loads(formatter("json").format(record("")))
    assert not {"worker", "exception", *FIELDS} & told.keys()


def test_what_nobody_foresaw_comes_with_its_traceback() -> None:
    event = record("it failed")
    try:
        raise ValueError("no such thing")
    except ValueError:
        event.exc_info = sys.exc_info()
    told = json.loads(formatter("json").format(event))["exception"]
    assert told.startswith("Traceback") and told.endswith("ValueError: no such thing")


def test_of_a_stream_nothing_secret_is_told() -> None:
    secret = stream()
    secret.holder = b"its holder"
    told = repr(about(secret))
    assert repr(secret.token_hash) not in told and "holder" not in told


@pytest.mark.parametrize(("worker", "who"), [("", ""), ("2", " worker 2")])
def test_people_read_the_same_event(worker: str, who: str) -> None:
    line = formatter("console", worker).format(record("it happened", stream="arm-7"))
    assert line.endswith(f" INFO{who} service.engine: it happened")
