from __future__ import annotations

from typing import Any

import pytest

from stepwire.opening import Mode, open_request, reopen
from stepwire.v1 import stream_pb2 as pb


def ask(mode: Mode = "create", stream_id: str | None = None, token: bytes | None = None) -> pb.Open:
    return open_request(
        "m",
        stream_id=stream_id,
        mode=mode,
        token=token,
        version=3,
        late="hold",
        sync=True,
        rate_hz=None,
    )


def test_what_is_left_out_is_made_here_and_never_twice() -> None:
    first, second = ask(), ask()
    assert len(first.token) == 16 and len(first.holder) == 8
    for name in ("stream_id", "token", "holder"):
        assert getattr(first, name) != getattr(second, name)


def test_what_is_given_is_asked_for() -> None:
    request = ask("restart", "robot", b"t" * 16)
    assert (request.stream_id, request.token) == ("robot", b"t" * 16)
    assert request.mode == pb.OPEN_MODE_RESTART
    assert request.late_policy == pb.LATE_POLICY_HOLD
    assert (request.version, request.sync, request.rate_hz) == (3, True, 0.0)


@pytest.mark.parametrize(("stream_id", "token"), [(None, b"t"), ("robot", None)])
def test_resuming_needs_id_and_token(stream_id: str | None, token: bytes | None) -> None:
    with pytest.raises(ValueError, match="needs the stream's id and token"):
        ask("resume", stream_id, token)


def test_a_stream_that_was_opened_is_asked_for_in_whatever_version_it_is_by_then() -> None:
    request = ask("restart", "robot")
    before = pb.Open()
    before.CopyFrom(request)
    reopen(request, pb.Opened(stream_id="robot", version=3))
    assert (request.mode, request.version) == (pb.OPEN_MODE_RECONNECT, 0)
    assert (request.stream_id, request.holder) == (before.stream_id, before.holder)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"mode": "x"}, "^mode is 'create', 'resume' or 'restart', not 'x'$"),
        ({"late": "x"}, "^late is 'flag', 'reject' or 'hold', not 'x'$"),
        ({"version": -1}, "^versions of a model count from 1; -1 is none$"),
        ({"version": 0}, "^versions of a model count from 1; 0 is none$"),
        ({"version": 2**32}, "count from 1; 4294967296 is none$"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_by_its_name(
    wrong: dict[str, Any], message: str
) -> None:
    asked: dict[str, Any] = {
        "stream_id": None,
        "mode": "create",
        "token": None,
        "version": None,
        "late": "flag",
        "sync": False,
        "rate_hz": None,
    }
    open_request("m", **asked)
    with pytest.raises(ValueError, match=message):
        open_request("m", **asked | wrong)
