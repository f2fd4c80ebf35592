"""The directory: which streams exist, who is connected to each, and how long each is kept."""

from __future__ import annotations

import hmac
import re
from collections import Counter, OrderedDict
from typing import NamedTuple

from service.core.errors import (
    InvalidRequest,
    ServiceError,
    StreamNotFound,
    StreamTakenOver,
    TooManyStreams,
)
from service.core.lifecycle import TRANSITIONS, Effect, Event, State, Transition
from service.core.streams import Mode, ModelKey, OpenRequest, Owner, Stream, StreamKey

STREAM_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_SEQUENCE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}/(int|string|none)/[A-Za-z0-9._~%-]+")
TOKEN_BYTES = 16
_LONGEST_HOLDER = 64
"""Bytes: it is in every checkpoint of its stream."""

_EVENTS = {
    Mode.CREATE: Event.CREATE,
    Mode.RESUME: Event.RESUME,
    Mode.RESTART: Event.RESTART,
    Mode.RECONNECT: Event.RESUME,
}


class Stored(NamedTuple):
    """A stream that lives in the state store, and not in this process."""

    id: str
    token_hash: bytes
    model: ModelKey
    holder: bytes

    @property
    def state(self) -> State:
        return State.STORED


class Opening(NamedTuple):
    """What an open has decided, for the caller to carry out."""

    stream: Stream
    effect: Effect
    """START or RESTORE: lend it a slot. NONE: it has one."""
    dropped: Stream | None
    """The stream whose place it takes: free its slot."""
    displaced: Owner | None
    """The connection that has lost its stream: tell it."""
    former_holder: bytes | None = None
    """Of a stream that was there; None: it starts."""


class Directory:
    def __init__(self, *, limit: int, idle_limit: float, remembered: int = 2_000) -> None:
        """At most `limit` streams; a detached one is kept for `idle_limit` seconds.

        Of the last `remembered` streams that expired it is known why they are gone.
        """
        self.limit = limit
        self.idle_limit = idle_limit
        self._remembered = remembered
        self._streams: dict[StreamKey, Stream] = {}
        self._detached: OrderedDict[StreamKey, Stream] = OrderedDict()
        self._expired: OrderedDict[StreamKey, bytes] = OrderedDict()
        """Hashes of their tokens: a whole stream would be many times larger."""

    def __len__(self) -> int:
        return len(self._streams)

    @property
    def attached(self) -> int:
        return len(self._streams) - len(self._detached)

    def detached_by_model(self) -> Counter[ModelKey]:
        """How many streams have no connection; a walk over them."""
        return Counter(stream.model for stream in self._detached.values())

    def owners(self) -> list[Owner]:
        return [stream.owner for stream in self._streams.values() if stream.owner]

    def find(self, key: StreamKey) -> Stream | None:
        return self._streams.get(key)

    def streams(self) -> list[Stream]:
        return list(self._streams.values())

    def has_room(self, key: StreamKey) -> bool:
        """Whether a stream of this key may begin."""
        return key in self._streams or len(self) < self.limit

    def check_room(self, key: StreamKey) -> None:
        """Raises TooManyStreams."""
        if not self.has_room(key):
            raise TooManyStreams(
                f"this server keeps {self.limit} streams and has no room for another: close some, "
                "wait for idle ones to expire, or raise --max-streams"
            )

    def judge(self, request: OpenRequest, stored: Stored | None = None) -> Effect:
        """What the open would do, changing nothing: START or RESTORE if it needs a slot.

        `stored`: the stream as the store has it, where this process does not have it.
        Raises InvalidRequest, StreamExists, StreamNotFound or StreamTakenOver.
        """
        _check(request)
        known = self._streams.get(request.key) or stored
        effect = self._transition(request, known).effect
        if Effect.START in effect:
            return Effect.START
        assert known is not None
        _check_model(request, known)
        _check_holder(request, known)
        return effect & Effect.RESTORE

    def open(
        self,
        request: OpenRequest,
        model: ModelKey | None,
        owner: Owner,
        stored: Stored | None = None,
    ) -> Opening:
        """Attaches a stream to `owner`. `model` is needed if the request may start anew.

        Raises what `judge` raises, or TooManyStreams; nothing has changed then.
        """
        effect = self.judge(request, stored)
        known = self._streams.get(request.key)
        if effect is Effect.NONE:
            assert known is not None
            return self._rejoin(known, request, owner)
        self.check_room(request.key)
        if stored and effect is Effect.RESTORE:
            opening = self._begin(known, request, stored.model, owner, effect)
            return opening._replace(former_holder=stored.holder)
        assert model is not None
        return self._begin(known, request, model, owner, effect)

    def _transition(self, request: OpenRequest, known: Stream | Stored | None) -> Transition:
        state = known.state if known else State.ABSENT
        event = _EVENTS[request.mode]
        same = known and hmac.compare_digest(known.token_hash, request.token_hash)
        if same and not (request.sequence and event is Event.RESTART):
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
        expired = self._expired.get(request.key)
        if expired and hmac.compare_digest(expired, request.token_hash):
            return error(
                f"stream {request.stream_id!r} was detached for more than {self.idle_limit:g} s "
                "and its state is gone: create it again"
            )
        return error(f"there is no stream {request.stream_id!r} with this token")

    def _rejoin(self, stream: Stream, request: OpenRequest, owner: Owner) -> Opening:
        displaced, former_holder = stream.owner, stream.holder
        self._detached.pop(stream.key, None)
        stream.hand_to(owner)
        stream.late_policy = request.late_policy
        stream.holder = request.holder
        return Opening(stream, Effect.NONE, None, displaced, former_holder)

    def _begin(
        self,
        known: Stream | None,
        request: OpenRequest,
        model: ModelKey,
        owner: Owner,
        effect: Effect,
    ) -> Opening:
        displaced = known.owner if known else None
        if known:
            self._remove(known)
        stream = Stream(
            key=request.key,
            token_hash=request.token_hash,
            model=model,
            late_policy=request.late_policy,
            owner=owner,
            holder=request.holder,
            rate_hz=request.rate_hz,
        )
        self._streams[stream.key] = stream
        self._expired.pop(stream.key, None)
        return Opening(stream, effect, known, displaced)

    def detach(self, stream: Stream, owner: Owner, now: float) -> bool:
        """The connection has ended. False, and nothing done, if the stream is not its own."""
        if stream.owner is not owner or self._streams.get(stream.key) is not stream:
            return False
        stream.hand_to(None)
        stream.expires = now + self.idle_limit
        self._detached[stream.key] = stream
        return True

    def place(self, stream: Stream, now: float) -> None:
        """Takes in a detached stream, of an id that is free. Raises TooManyStreams."""
        self.check_room(stream.key)
        stream.expires = now + self.idle_limit
        self._streams[stream.key] = self._detached[stream.key] = stream
        self._expired.pop(stream.key, None)

    def close(self, stream: Stream, owner: Owner) -> bool:
        """Ends the stream. False, and nothing done, if it is not the owner's."""
        if stream.owner is not owner or self._streams.get(stream.key) is not stream:
            return False
        self._remove(stream)
        return True

    def remove(self, stream: Stream) -> Owner | None:
        """Ends the stream here, whoever has it, and returns who had it."""
        owner = stream.owner
        if self._streams.get(stream.key) is stream:
            self._remove(stream)
        return owner

    def longest_detached(self) -> Stream | None:
        return next(iter(self._detached.values()), None)

    def expire(self, now: float) -> list[Stream]:
        """Ends the streams whose time is up and returns them."""
        ended = []
        for stream in self._detached.values():
            if stream.expires > now:
                break
            ended.append(stream)
        for stream in ended:
            self._remove(stream)
            self._expired[stream.key] = stream.token_hash
            while len(self._expired) > self._remembered:
                self._expired.popitem(last=False)
        return ended

    def next_expiry(self) -> float | None:
        """When `expire` has something to do, if nothing happens before."""
        first = next(iter(self._detached.values()), None)
        return first.expires if first else None

    def _remove(self, stream: Stream) -> None:
        del self._streams[stream.key]
        self._detached.pop(stream.key, None)
        stream.hand_to(None)


def _check(request: OpenRequest) -> None:
    _check_id(request.stream_id, request.sequence)
    if len(request.token) != TOKEN_BYTES:
        raise InvalidRequest(f"a token has {TOKEN_BYTES} bytes, this one {len(request.token)}")
    if len(request.holder) > _LONGEST_HOLDER:
        raise InvalidRequest(
            f"a holder has at most {_LONGEST_HOLDER} bytes, this one {len(request.holder)}"
        )


def _check_id(id_: str, sequence: bool) -> None:
    if sequence and not _SEQUENCE_ID.fullmatch(id_):
        raise InvalidRequest(
            f"stream id {id_[:140]!r} is not a sequence's: MODEL/int/ID, MODEL/string/ID or "
            "MODEL/none/ID, with a model of 1 to 128 characters of A-Za-z0-9._-"
        )
    if not sequence and not STREAM_ID.fullmatch(id_):
        raise InvalidRequest(f"stream id {id_[:140]!r} is not 1 to 128 characters of A-Za-z0-9._:-")


def _check_model(request: OpenRequest, stream: Stream | Stored) -> None:
    has = stream.model
    if request.model not in ("", has.name) or request.version not in (None, has.version):
        raise InvalidRequest(
            f"stream {stream.id!r} runs {has} and keeps it: open it without naming another model"
        )


def _check_holder(request: OpenRequest, stream: Stream | Stored) -> None:
    if request.mode is Mode.RECONNECT and request.holder != stream.holder:
        raise StreamTakenOver(f"stream {stream.id!r} was opened by another client since")
