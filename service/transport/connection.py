"""A connection: bytes come, calls are resumed, and one write answers all of them."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Sequence
from typing import NamedTuple, Protocol, cast

from grpc import StatusCode

from service.transport.call import HEAD, Call
from service.transport.carrier import Resumable
from service.transport.metadata import BadRequest, Field, request, status
from service.transport.outbox import Outbox, Piece
from service.transport.session import Broken, Exchange, Limits, Session

log = logging.getLogger(__name__)

_JOINED = 64 * 1024
"""Bytes up to which pieces are copied into one, which is sent as one record of TLS."""

_TOO_MUCH = status(
    StatusCode.RESOURCE_EXHAUSTED.value[0], "received metadata exceeds its limit", ()
)


class Terms(NamedTuple):
    """What connections are held to."""

    limits: Limits
    max_message_bytes: int
    keepalive: float
    """Seconds of silence before the client is probed."""
    keepalive_timeout: float
    """Seconds that its answer may take."""


class Owner(Protocol):
    """Who has connections."""

    def opened(self, connection: Connection) -> None: ...

    def gone(self, connection: Connection) -> None: ...

    def serve(self, call: Call) -> None:
        """Starts the handler of a call."""


class Connection(asyncio.Protocol):
    def __init__(self, terms: Terms, owner: Owner) -> None:
        self.loop = asyncio.get_running_loop()
        self.max_message_bytes = terms.max_message_bytes
        self.peer = ""
        self.session: Session
        self._terms = terms
        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self._probe: asyncio.TimerHandle | None = None
        self._has_heard = True
        self._is_probed = False
        self._unanswered = 0
        self._woken: list[Resumable] = []
        self._is_busy = False
        self._is_due = False
        self._is_paused = False
        self._is_leaving = False

    @property
    def calls(self) -> list[Exchange]:
        return list(self.session.exchanges.values()) if self._transport else []

    # What the loop tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)
        self.peer = _peer(transport)
        self.session = Session(self, self._terms.limits)
        self._transport = transport
        self._owner.opened(self)
        log.debug("%s: connected", self.peer)
        if not _speaks_http2(transport):
            transport.close()
            return
        self._probe = self.loop.call_later(self._terms.keepalive, self._listen_for_life)
        self.flush()

    def data_received(self, data: bytes) -> None:
        self._has_heard = True
        if self._transport is None or self._transport.is_closing():
            return
        self._is_busy = True
        try:
            self.session.receive(data)
            self._resume_readers()
        except Broken as error:
            log.debug("%s: %s", self.peer, error)
        finally:
            self._is_busy = False
        self.flush()

    def _resume_readers(self) -> None:
        while self._woken:
            woken, self._woken = self._woken, []
            for call in woken:
                call.resume()

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False
        self.flush()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        if self._transport is None:
            return
        self._transport = None
        if self._probe:
            self._probe.cancel()
        self.session.close()
        self._owner.gone(self)

    # What the session and its calls tell.

    def requested(self, number: int, fields: list[Field], is_whole: bool) -> Exchange:
        if not is_whole:
            self.session.respond(number, HEAD + _TOO_MUCH, ends=True)
            return _Refused()
        try:
            call = Call(self, number, request(fields))
        except BadRequest as error:
            self.session.respond(number, [(b":status", b"%d" % error.status)], ends=True)
            return _Refused()
        self._owner.serve(call)
        return call

    def arrived(self, call: Resumable) -> None:
        self._woken.append(call)

    def asked(self, messages: int) -> None:
        self._unanswered += messages

    def answered(self, messages: int) -> None:
        self._unanswered -= messages
        if self._unanswered:
            self.soon()
        else:
            self.flush()

    def soon(self) -> None:
        if not (self._is_due or self._is_busy):
            self._is_due = True
            self.loop.call_soon(self._flush_due)

    def _flush_due(self) -> None:
        self._is_due = False
        self.flush()

    def flush(self) -> None:
        if self._is_busy or self._transport is None:
            return
        if self._is_paused:
            if self.session.is_over:
                self._transport.abort()
            return
        self._is_busy = True
        try:
            parts = self.session.pending()
        except Broken as error:
            log.debug("%s: %s", self.peer, error)
            self._transport.abort()
            return
        finally:
            self._is_busy = False
        if parts:
            _send(self._transport, parts)
        if self.session.is_over or (self._is_leaving and not self.session.exchanges):
            self._transport.close()

    # How it ends.

    def leave(self) -> None:
        """Takes no more calls, and closes behind the last."""
        self._is_leaving = True
        if self._transport is not None:
            self.session.go_away()
            self.flush()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _listen_for_life(self) -> None:
        if self._is_probed and not self._has_heard:
            log.debug("%s: silent for too long", self.peer)
            self.abort()
            return
        self._is_probed = not self._has_heard
        self._has_heard = False
        wait = self._terms.keepalive
        if self._is_probed:
            self.session.ping()
            self.flush()
            wait = self._terms.keepalive_timeout
        self._probe = self.loop.call_later(wait, self._listen_for_life)


class _Refused:
    """A request that is no call: whatever else comes of it is dropped."""

    def __init__(self) -> None:
        self.outbox = Outbox()
        self.trailers: Sequence[Field] | None = None
        self.sending = False

    def received(self, data: bytes) -> None: ...

    def half_closed(self) -> None: ...

    def drained(self) -> None: ...

    def closed(self, code: int) -> None: ...


def _send(transport: asyncio.Transport, parts: list[Piece]) -> None:
    if len(parts) == 1:
        transport.write(parts[0])
    elif sum(map(len, parts)) <= _JOINED:
        transport.write(b"".join(parts))
    else:
        transport.writelines(parts)


def _speaks_http2(transport: asyncio.Transport) -> bool:
    tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
    return tls is None or tls.selected_alpn_protocol() == "h2"


def _peer(transport: asyncio.Transport) -> str:
    """As gRPC writes addresses."""
    address = transport.get_extra_info("peername")
    if not isinstance(address, tuple):
        return "unknown"
    host, port = address[:2]
    return f"ipv6:[{host}]:{port}" if ":" in host else f"ipv4:{host}:{port}"
