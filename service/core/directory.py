"""The directory: which streams exist, who is connected to each, and how long each is kept."""

from __future__ import annotations

import hmac
import re
from collections import OrderedDict
from typing import NamedTuple

from service.core.errors import (
    InvalidRequest,
    ServiceError,
    StreamNotFound,
    StreamTakenOver,
    TooManyStreams,
)
from service.core.lifecycle import TRANSITIONS, Effect, Event, State, Transition
from service.core.streams import Mode, ModelKey, OpenRequest, Owner, Stream

STREAM_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
TOKEN_BYTES = 16

_EVENTS = {
    Mode.CREATE: Event.CREATE,
    Mode.RESUME: Event.RESUME,
    Mode.RESTART: Event.RESTART,
    Mode.RECONNECT: Event.RESUME,
}


class Opening(NamedTuple):
    """What an open has decided, for the caller to carry out."""

    stream: Stream
    starts: bool
    """The stream is new: lend it a slot in its initial state."""
    dropped: Stream | None
    """The stream whose place it takes: free its slot."""
    displaced: Owner | None
    """The connection that has lost its stream: tell it."""


class Directory:
    def __init__(self, *, limit: int, idle_limit: float, remembered: int = 10_000) -> None:
        """At most `limit` streams; a detached one is kept for `idle_limit` seconds.

        Of the last `remembered` streams that expired it is known why they are gone.
        """
        self.limit = limit
        self.idle_limit = idle_limit
        self._remembered = remembered
        self._streams: dict[str, Stream] = {}
        self._detached: OrderedDict[str, Stream] = OrderedDict()
        self._expired: OrderedDict[str, Stream] = OrderedDict()

    def __len__(self) -> int:
        return len(self._streams)

    @property
    def attached(self) -> int:
        return len(self._streams) - len(self._detached)

    def owners(self) -> list[Owner]:
        return [stream.owner for stream in self._streams.values() if stream.owner]

    def open(self, request: OpenRequest, model: ModelKey | None, owner: Owner) -> Opening:
        """Attaches a stream to `owner`. `model` is needed if the request may start anew.

        Raises InvalidRequest, StreamExists, StreamNotFound, StreamTakenOver or
        TooManyStreams; nothing has changed then.
        """
        _check(request)
        known = self._streams.get(request.stream_id)
        transition = self._transition(request, known)
        if Effect.START not in transition.effect:
            assert known is not None
            _check_model(request, known)
            _check_holder(request, known)
            return self._rejoin(known, request, owner)
        assert model is not None
        if known is None and len(self) >= self.limit:
            raise TooManyStreams(
                f"this server keeps {self.limit} streams and has no room for another: close some, "
                "wait for idle ones to expire, or raise --max-streams"
            )
        return self._start(known, request, model, owner)

    def _transition(self, request: OpenRequest, known: Stream | None) -> Transition:
        state = known.state if known else State.ABSENT
        event = _EVENTS[request.mode]
        if known and hmac.compare_digest(known.token, request.token):
            event = Event.RESUME
        elif event is Event.RESUME:
            state = State.ABSENT
        transition = TRANSITIONS[state, event]
        if isinstance(transition, Transition):
            return transition
        raise self._refusal(transition, request)

    def _refusal(self, error: type[ServiceError], request: OpenRequest) -> ServiceError:
        if error is not StreamNotFound:
            return error(
                f"stream {request.stream_id!r} exists: resume it with its token, restart it, "
                "or choose another id"
            )
        expired = self._expired.get(request.stream_id)
        if expired and hmac.compare_digest(expired.token, request.token):
            return error(
                f"stream {request.stream_id!r} was detached for more than {self.idle_limit:g} s "
                "and its state is gone: create it again"
            )
        return error(f"there is no stream {request.stream_id!r} with this token")

    def _rejoin(self, stream: Stream, request: OpenRequest, owner: Owner) -> Opening:
        displaced = stream.owner
        self._detached.pop(stream.id, None)
        stream.hand_to(owner)
        stream.late_policy = request.late_policy
        stream.holder = request.holder
        return Opening(stream, False, None, displaced)

    def _start(
        self, known: Stream | None, request: OpenRequest, model: ModelKey, owner: Owner
    ) -> Opening:
        displaced = known.owner if known else None
        if known:
            self._remove(known)
        stream = Stream(
            request.stream_id, request.token, model, request.late_policy, owner, request.holder
        )
        self._streams[stream.id] = stream
        self._expired.pop(stream.id, None)
        return Opening(stream, True, known, displaced)

    def detach(self, stream: Stream, owner: Owner, now: float) -> None:
        """The connection has ended; a stream that it no longer has is left alone."""
        if stream.owner is not owner or self._streams.get(stream.id) is not stream:
            return
        stream.hand_to(None)
        stream.expires = now + self.idle_limit
        self._detached[stream.id] = stream

    def close(self, stream: Stream, owner: Owner) -> bool:
        """Ends the stream. False, and nothing done, if it is not the owner's."""
        if stream.owner is not owner or self._streams.get(stream.id) is not stream:
            return False
        self._remove(stream)
        return True

    def expire(self, now: float) -> list[Stream]:
        """Ends the streams whose time is up and returns them."""
        ended = []
        for stream in self._detached.values():
            if stream.expires > now:
                break
            ended.append(stream)
        for stream in ended:
            self._remove(stream)
            self._expired[stream.id] = stream
            while len(self._expired) > self._remembered:
                self._expired.popitem(last=False)
        return ended

    def next_expiry(self) -> float | None:
        """When `expire` has something to do, if nothing happens before."""
        first = next(iter(self._detached.values()), None)
        return first.expires if first else None

    def _remove(self, stream: Stream) -> None:
        del self._streams[stream.id]
        self._detached.pop(stream.id, None)
        stream.hand_to(None)


def _check(request: OpenRequest) -> None:
    if not STREAM_ID.fullmatch(request.stream_id):
        raise InvalidRequest(
            f"stream id {request.stream_id[:140]!r} is not 1 to 128 characters of A-Za-z0-9._:-"
        )
    if len(request.token) != TOKEN_BYTES:
        raise InvalidRequest(f"a token has {TOKEN_BYTES} bytes, this one {len(request.token)}")


def _check_model(request: OpenRequest, stream: Stream) -> None:
    has = stream.model
    if request.model not in ("", has.name) or request.version not in (None, has.version):
        raise InvalidRequest(
            f"stream {stream.id!r} runs {has} and keeps it: open it without naming another model"
        )


def _check_holder(request: OpenRequest, stream: Stream) -> None:
    if request.mode is Mode.RECONNECT and request.holder != stream.holder:
        raise StreamTakenOver(f"stream {stream.id!r} was opened by another client since")
