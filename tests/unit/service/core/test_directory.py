from __future__ import annotations

from dataclasses import replace

import pytest

from service.core.directory import Directory
from service.core.errors import (
    InvalidRequest,
    StreamExists,
    StreamNotFound,
    StreamTakenOver,
    TooManyStreams,
)
from service.core.lateness import LatePolicy
from service.core.lifecycle import Effect, State
from service.core.steps import Step
from service.core.streams import Mode, OpenRequest, Stream
from tests.fakes import MODEL, TOKEN, Connection, number, request

OTHER_TOKEN = bytes(16)
IDLE = 600.0


def directory(limit: int = 10, remembered: int = 10) -> Directory:
    return Directory(limit=limit, idle_limit=IDLE, remembered=remembered)


def opened(made: Directory, asked: OpenRequest, owner: Connection | None = None) -> Stream:
    return made.open(asked, MODEL, owner or Connection()).stream


def test_create_starts_a_stream() -> None:
    made, owner = directory(), Connection()
    opening = made.open(request(), MODEL, owner)
    assert opening.effect is Effect.START
    assert opening.dropped is None
    assert opening.displaced is None
    assert opening.stream.owner is owner
    assert len(made) == made.attached == 1


def test_create_of_an_existing_id_is_refused() -> None:
    made = directory()
    first = opened(made, request())
    with pytest.raises(StreamExists, match="'robot' exists: resume it"):
        made.open(request(token=OTHER_TOKEN), MODEL, Connection())
    assert first.state is State.ATTACHED


@pytest.mark.parametrize("mode", [Mode.CREATE, Mode.RESTART])
def test_an_open_sent_again_with_its_token_finds_its_stream(mode: Mode) -> None:
    made, owner = directory(), Connection()
    first = opened(made, request(mode=mode), owner)
    again = made.open(request(mode=mode), MODEL, Connection())
    assert again.stream is first
    assert again.effect is Effect.NONE
    assert again.displaced is owner


def test_restart_drops_the_old_stream_and_tells_its_connection() -> None:
    made, owner = directory(), Connection()
    first = opened(made, request(), owner)
    opening = made.open(request(mode=Mode.RESTART, token=OTHER_TOKEN), MODEL, Connection())
    assert opening.effect is Effect.START
    assert opening.dropped is first
    assert opening.displaced is owner
    assert len(made) == 1


def test_resume_takes_over_from_the_present_connection() -> None:
    made, owner, newcomer = directory(), Connection(), Connection()
    stream = opened(made, request(), owner)
    opening = made.open(request(mode=Mode.RESUME), None, newcomer)
    assert opening.stream is stream
    assert opening.displaced is owner
    assert stream.owner is newcomer


def test_resume_with_another_token_sounds_as_if_there_were_no_stream() -> None:
    made = directory()
    opened(made, request("known"))
    messages = []
    for stream_id in ("known", "unknown"):
        with pytest.raises(StreamNotFound) as refused:
            made.open(request(stream_id, Mode.RESUME, OTHER_TOKEN), None, Connection())
        messages.append(str(refused.value).replace(stream_id, "ID"))
    assert messages[0] == messages[1]


def test_resume_may_change_the_late_policy_but_not_the_model() -> None:
    made = directory()
    stream = opened(made, request())
    asked = OpenRequest("robot", TOKEN, Mode.RESUME, "", None, LatePolicy.HOLD)
    made.open(asked, None, Connection())
    assert stream.late_policy is LatePolicy.HOLD
    with pytest.raises(InvalidRequest, match="runs accumulator/1"):
        made.open(request(mode=Mode.RESUME, model="another"), None, Connection())
    with pytest.raises(InvalidRequest, match="runs accumulator/1"):
        made.open(request(mode=Mode.RESUME, version=2), None, Connection())


def test_a_reconnection_is_refused_once_another_client_holds_the_stream() -> None:
    made, first, second = directory(), Connection(), Connection()
    stream = opened(made, request(holder=b"first"), first)
    made.detach(stream, first, now=0.0)
    assert opened(made, request(mode=Mode.RECONNECT, holder=b"first"), first) is stream
    made.detach(stream, first, now=0.0)
    opened(made, request(mode=Mode.RESUME, holder=b"second"), second)
    with pytest.raises(StreamTakenOver, match="opened by another client since"):
        made.open(request(mode=Mode.RECONNECT, holder=b"first"), None, Connection())
    assert stream.owner is second


def test_steps_of_the_former_connection_die_with_it() -> None:
    made, owner = directory(), Connection()
    stream = opened(made, request(), owner)
    stream.pending.append(Step(0, (number(1),), received=0.0))
    made.open(request(mode=Mode.RESUME), None, Connection())
    assert not stream.pending


@pytest.mark.parametrize("stream_id", ["", "a b", "a/b", "ä", "x" * 129, "a\n"])
def test_bad_ids_are_refused(stream_id: str) -> None:
    with pytest.raises(InvalidRequest, match="1 to 128 characters"):
        directory().open(request(stream_id), MODEL, Connection())


@pytest.mark.parametrize(
    "stream_id",
    [
        "robot",
        "gru/int/",
        "gru/other/7",
        "g u/int/7",
        "/int/7",
        "x" * 129 + "/int/7",
        "gru/int/a b",
    ],
)
def test_bad_ids_of_sequences_are_refused(stream_id: str) -> None:
    asked = replace(request(stream_id), sequence=True)
    with pytest.raises(InvalidRequest, match=r"is not a sequence's: MODEL/int/ID"):
        directory().open(asked, MODEL, Connection())


@pytest.mark.parametrize("stream_id", ["gru/int/7", "g-r.u_/string/a%20b", "gru/none/ff"])
def test_good_ids_of_sequences_are_taken(stream_id: str) -> None:
    assert opened(directory(), replace(request(stream_id), sequence=True)).id == stream_id


@pytest.mark.parametrize("stream_id", ["a", "A-Z.a_z:0-9", "x" * 128])
def test_good_ids_are_taken(stream_id: str) -> None:
    assert opened(directory(), request(stream_id)).id == stream_id


@pytest.mark.parametrize("token", [b"", b"x" * 15, b"x" * 17])
def test_a_token_has_sixteen_bytes(token: bytes) -> None:
    with pytest.raises(InvalidRequest, match="16 bytes"):
        directory().open(request(token=token), MODEL, Connection())


def test_a_holder_has_at_most_64_bytes() -> None:
    opened(directory(), request(holder=bytes(64)))
    with pytest.raises(InvalidRequest, match="at most 64 bytes, this one 65"):
        directory().open(request(holder=bytes(65)), MODEL, Connection())


def test_a_full_directory_says_its_limit_and_how_to_raise_it() -> None:
    made = directory(limit=2)
    opened(made, request("a"))
    opened(made, request("b"))
    with pytest.raises(TooManyStreams, match="keeps 2 streams.*--max-streams"):
        made.open(request("c"), MODEL, Connection())
    opened(made, request("a", Mode.RESTART, OTHER_TOKEN))
    assert len(made) == 2


def test_detached_streams_expire_after_the_idle_limit_in_order() -> None:
    made, one, two = directory(), Connection(), Connection()
    first, second = opened(made, request("a"), one), opened(made, request("b"), two)
    made.detach(first, one, now=100.0)
    made.detach(second, two, now=150.0)
    assert made.next_expiry() == 700.0
    assert made.expire(699.9) == []
    assert made.expire(700.0) == [first]
    assert made.next_expiry() == 750.0
    assert len(made) == 1


def test_a_resumed_stream_does_not_expire() -> None:
    made, owner = directory(), Connection()
    stream = opened(made, request(), owner)
    made.detach(stream, owner, now=0.0)
    made.open(request(mode=Mode.RESUME), None, Connection())
    assert made.next_expiry() is None
    assert made.expire(1e9) == []


def test_an_expired_stream_says_so_to_its_token_only() -> None:
    made, owner = directory(), Connection()
    made.detach(opened(made, request(), owner), owner, now=0.0)
    made.expire(IDLE)
    with pytest.raises(StreamNotFound, match="detached for more than 600 s"):
        made.open(request(mode=Mode.RESUME), None, Connection())
    with pytest.raises(StreamNotFound, match="no stream 'robot' with this token"):
        made.open(request(mode=Mode.RESUME, token=OTHER_TOKEN), None, Connection())


def test_only_so_many_expired_streams_are_remembered() -> None:
    made = directory(remembered=1)
    for stream_id in ("a", "b"):
        owner = Connection()
        made.detach(opened(made, request(stream_id), owner), owner, now=0.0)
    made.expire(IDLE)
    with pytest.raises(StreamNotFound, match="with this token"):
        made.open(request("a", Mode.RESUME), None, Connection())
    with pytest.raises(StreamNotFound, match="detached"):
        made.open(request("b", Mode.RESUME), None, Connection())


def test_a_displaced_connection_can_neither_detach_nor_close() -> None:
    made, former, present = directory(), Connection(), Connection()
    stream = opened(made, request(), former)
    made.open(request(mode=Mode.RESUME), None, present)
    made.detach(stream, former, now=0.0)
    assert not made.close(stream, former)
    assert stream.owner is present
    assert made.close(stream, present)
    assert len(made) == 0


def test_a_refused_open_changes_nothing() -> None:
    made, owner = directory(limit=1), Connection()
    stream = opened(made, request(), owner)
    for asked in (request(token=OTHER_TOKEN), request("x"), request("y", Mode.RESUME)):
        with pytest.raises((StreamExists, TooManyStreams, StreamNotFound)):
            made.open(asked, MODEL, Connection())
    assert stream.owner is owner
    assert len(made) == 1
