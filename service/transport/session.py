"""One HTTP/2 connection as libnghttp2 keeps it: bytes in, events out, bytes out.

Events come while bytes go in, on the objects that the owner gives: `Requests` for headers, and the
`Exchange` of each stream for what follows. They may submit, and never receive, send or close.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from service.transport import binding, library
from service.transport.library import END_STREAM, HEADERS
from service.transport.metadata import Field
from service.transport.outbox import Outbox, Piece

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, REFUSED_STREAM, CANCEL = 0, 1, 2, 7, 8

_GOAWAY = 7
_MAX_CALLS, _WINDOW, _HEADER_LIST, _NO_PRIORITIES = 3, 4, 6, 9
_EOF, _NO_END_STREAM, _NO_COPY = 1, 2, 4
_SMALL = 4096
"""Bytes that are copied into a frame, rather than passed beside it."""
_CONNECTION_WINDOW = 1 << 20
STREAM_WINDOW = 65_535
"""Bytes a client may send on a call before any are read."""
_TYPE = 3
"""Where a frame says what it is."""


class Limits(NamedTuple):
    calls: int
    """Open at a time on a connection."""
    header_bytes: int
    """Of a call, by HTTP/2's count: 32 more for each."""
    resets: int
    """Calls that a client may reset at once, and a tenth of it each second."""


class Broken(Exception):
    """The connection cannot go on."""


class Exchange(Protocol):
    """A stream of HTTP/2, as its owner sees it."""

    outbox: Outbox
    trailers: Sequence[Field] | None
    """What comes behind the outbox; None: more is to come."""
    sending: bool
    """Whether the session knows that the outbox has something."""

    def received(self, data: bytes) -> None: ...

    def half_closed(self) -> None: ...

    def drained(self) -> None:
        """All that was in the outbox is on its way."""

    def closed(self, code: int) -> None: ...


class Requests(Protocol):
    def requested(self, number: int, fields: list[Field], is_whole: bool) -> Exchange:
        """`is_whole`: whether the headers were within the limit; those beyond are left out."""


class Session:
    def __init__(self, requests: Requests, limits: Limits) -> None:
        callbacks = library.callbacks()
        self._ffi, self._lib = binding.load()
        self._copy, self._provider = self._ffi.memmove, callbacks.provider
        self._handle = self._ffi.new_handle(self)
        self._requests = requests
        self._limits = limits
        self._headers: dict[int, list[Field]] = {}
        self._header_bytes = 0
        self._data_bytes = 0
        self.exchanges: dict[int, Exchange] = {}
        self._chunk = self._ffi.new("const uint8_t **")
        self._parts: list[Piece] = []
        self._told: list[int] = []
        self.is_over = False
        """Whether nothing more is received; what is pending may still be sent."""
        made = self._ffi.new("nghttp2_session **")
        library.check(
            self._lib.session_server_new2(
                made, callbacks.table, self._handle, library.options(limits.resets)
            )
        )
        self._session = made[0]
        self._introduce()

    @property
    def is_open(self) -> bool:
        return bool(self._session)

    def _introduce(self) -> None:
        values = (
            (_MAX_CALLS, self._limits.calls),
            (_WINDOW, STREAM_WINDOW),
            (_HEADER_LIST, self._limits.header_bytes),
            (_NO_PRIORITIES, 1),
        )
        settings = self._ffi.new("nghttp2_settings_entry[]", [*values])
        library.check(self._lib.submit_settings(self._session, 0, settings, len(values)))
        library.check(
            self._lib.session_set_local_window_size(self._session, 0, 0, _CONNECTION_WINDOW)
        )

    def receive(self, data: bytes) -> None:
        """Takes bytes of the peer. Raises Broken; what is then pending says why."""
        taken = self._lib.session_mem_recv(self._session, data, len(data))
        if self._data_bytes:
            self._lib.session_consume_connection(self._session, self._data_bytes)
            self._data_bytes = 0
        if taken < 0:
            self.is_over = True
            raise Broken(self._reason(taken))

    def pending(self) -> list[Piece]:
        """All that is to be sent as far as windows allow. Raises Broken."""
        parts = self._parts
        self._gather()
        while self._told:
            self._hear_no_further()
            self._gather()
        if parts:
            self._parts = []
        return parts

    def _gather(self) -> None:
        parts, chunk, session = self._parts, self._chunk, self._session
        send, view = self._lib.session_mem_send, self._ffi.buffer
        is_last = False
        while (size := send(session, chunk)) > 0:
            part = view(chunk[0], size)[:]
            is_last = is_last or part[_TYPE] == _GOAWAY
            parts.append(part)
        if size < 0:
            raise Broken(self._reason(size))
        if is_last and not self._lib.session_want_read(session):
            self.is_over = True

    def _hear_no_further(self) -> None:
        """Calls that have their status are over, whatever their clients still send.

        A reset would overtake a status that has not been sent.
        """
        told, self._told = self._told, []
        for number in told:
            if number in self.exchanges:
                self.reset(number, NO_ERROR)

    def respond(self, number: int, fields: Sequence[Field], *, ends: bool = False) -> None:
        """Headers; `ends`: of an answer that has nothing else."""
        array, count, _keep = library.header_array(self._ffi, fields)
        self._lib.submit_headers(
            self._session, int(ends), number, self._ffi.NULL, array, count, self._ffi.NULL
        )
        if ends:
            self._told.append(number)

    def send(self, number: int, exchange: Exchange) -> None:
        """Sends what is in the outbox."""
        exchange.sending = True
        self._lib.submit_data(self._session, 0, number, self._provider)

    def end(self, number: int, fields: Sequence[Field]) -> None:
        """Trailers, behind all data."""
        array, count, _keep = library.header_array(self._ffi, fields)
        self._lib.submit_trailer(self._session, number, array, count)
        self._told.append(number)

    def reset(self, number: int, code: int) -> None:
        self._lib.submit_rst_stream(self._session, 0, number, code)

    def consume(self, number: int, size: int) -> None:
        """The client may send as many bytes more on the stream."""
        self._lib.session_consume_stream(self._session, number, size)

    def ping(self) -> None:
        self._lib.submit_ping(self._session, 0, self._ffi.NULL)

    def go_away(self) -> None:
        """Takes no more calls."""
        last = self._lib.session_get_last_proc_stream_id(self._session)
        self._lib.submit_goaway(self._session, 0, last, NO_ERROR, self._ffi.NULL, 0)

    def close(self) -> None:
        """Frees it; every exchange is told."""
        session, self._session = self._session, self._ffi.NULL
        self._lib.session_del(session)
        exchanges, self.exchanges = self.exchanges, {}
        for exchange in exchanges.values():
            exchange.closed(CANCEL)

    def _reason(self, code: int) -> str:
        return str(self._ffi.string(self._lib.strerror(code)).decode())

    # What the library calls, through the functions of `_callbacks`.

    def on_begin_headers(self, number: int) -> None:
        if number not in self.exchanges:
            self._headers[number] = []
            self._header_bytes = 0

    def on_header(self, number: int, name: bytes, value: bytes) -> None:
        headers = self._headers.get(number)
        if headers is None:
            return
        self._header_bytes += len(name) + len(value) + 32
        if self._header_bytes <= self._limits.header_bytes:
            headers.append((name, value))

    def on_frame(self, kind: int, flags: int, number: int) -> None:
        if kind == HEADERS and (fields := self._headers.pop(number, None)) is not None:
            is_whole = self._header_bytes <= self._limits.header_bytes
            self.exchanges[number] = self._requests.requested(number, fields, is_whole)
        if kind <= HEADERS and flags & END_STREAM:
            exchange = self.exchanges.get(number)
            if exchange is not None:
                exchange.half_closed()

    def on_data(self, number: int, data: bytes) -> None:
        self._data_bytes += len(data)
        exchange = self.exchanges.get(number)
        if exchange is not None:
            exchange.received(data)

    def on_close(self, number: int, code: int) -> None:
        self._headers.pop(number, None)
        exchange = self.exchanges.pop(number, None)
        if exchange is not None:
            exchange.closed(code)

    def on_read(self, number: int, buffer: Any, room: int, flags: Any) -> int:
        """Fills a frame from the outbox, or says how much of it comes beside."""
        exchange = self.exchanges[number]
        outbox = exchange.outbox
        size = outbox.size if outbox.size < room else room
        if size > _SMALL:
            flags[0] = _NO_COPY
            if size == outbox.size:
                flags[0] |= self._drained(number, exchange)
            return size
        self._copy(buffer, outbox.take_bytes(size), size)
        if not outbox.size:
            flags[0] = self._drained(number, exchange)
        return size

    def _drained(self, number: int, exchange: Exchange) -> int:
        """What a frame says that has the last of the outbox."""
        exchange.sending = False
        if exchange.trailers is not None:
            self.end(number, exchange.trailers)
        exchange.drained()
        return _EOF | _NO_END_STREAM

    def on_send(self, number: int, header: bytes, size: int) -> None:
        self._parts.append(header)
        self._parts += self.exchanges[number].outbox.take(size)
