"""libnghttp2 set up: the callbacks that all sessions share, their options, its structures."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeVar

from service.transport import binding
from service.transport.metadata import Field

log = logging.getLogger(__name__)

Function = TypeVar("Function")

DATA, HEADERS = 0, 1
END_STREAM = 1
_CALLBACK_FAILURE = -902
_FRAME_HEAD = 9
"""Bytes."""


class Callbacks(NamedTuple):
    table: Any
    provider: Any
    keep: tuple[Any, ...]


@cache
def callbacks() -> Callbacks:
    """The library's way into sessions, one for all of them."""
    ffi, lib = binding.load()
    session_of, view, failure = ffi.from_handle, ffi.buffer, _CALLBACK_FAILURE

    def told(kind: str) -> Callable[[Function], Function]:
        made: Callable[[Function], Function] = ffi.callback(kind, error=failure, onerror=_failed)
        return made

    @told("on_frame_recv")
    def on_begin_headers(_: Any, frame: Any, user: Any) -> int:
        session_of(user).on_begin_headers(frame.hd.stream_id)
        return 0

    @told("on_header")
    def on_header(
        _: Any, frame: Any, name: Any, name_size: int, value: Any, size: int, flags: int, user: Any
    ) -> int:
        name, value = view(name, name_size)[:], view(value, size)[:]
        session_of(user).on_header(frame.hd.stream_id, name, value)
        return 0

    @told("on_frame_recv")
    def on_frame(_: Any, frame: Any, user: Any) -> int:
        head = frame.hd
        kind, flags = head.type, head.flags
        if kind == HEADERS or (kind == DATA and flags & END_STREAM):
            session_of(user).on_frame(kind, flags, head.stream_id)
        return 0

    @told("on_data_chunk")
    def on_data(_: Any, flags: int, number: int, data: Any, size: int, user: Any) -> int:
        session_of(user).on_data(number, view(data, size)[:])
        return 0

    @told("on_stream_close")
    def on_close(_: Any, number: int, code: int, user: Any) -> int:
        session_of(user).on_close(number, code)
        return 0

    @told("read_data")
    def on_read(
        _: Any, number: int, buffer: Any, room: int, flags: Any, source: Any, user: Any
    ) -> int:
        filled: int = session_of(user).on_read(number, buffer, room, flags)
        return filled

    @told("send_data")
    def on_send(_: Any, frame: Any, header: Any, size: int, source: Any, user: Any) -> int:
        session_of(user).on_send(frame.hd.stream_id, view(header, _FRAME_HEAD)[:], size)
        return 0

    made = ffi.new("nghttp2_session_callbacks **")
    check(lib.session_callbacks_new(made))
    table = made[0]
    lib.session_callbacks_set_on_begin_headers_callback(table, on_begin_headers)
    lib.session_callbacks_set_on_header_callback(table, on_header)
    lib.session_callbacks_set_on_frame_recv_callback(table, on_frame)
    lib.session_callbacks_set_on_data_chunk_recv_callback(table, on_data)
    lib.session_callbacks_set_on_stream_close_callback(table, on_close)
    lib.session_callbacks_set_send_data_callback(table, on_send)
    provider = ffi.new("nghttp2_data_provider *")
    provider.read_callback = on_read
    keep = (on_begin_headers, on_header, on_frame, on_data, on_close, on_read, on_send)
    return Callbacks(table, provider, keep)


@cache
def options(resets: int) -> Any:
    ffi, lib = binding.load()
    made = ffi.new("nghttp2_option **")
    check(lib.option_new(made))
    lib.option_set_no_auto_window_update(made[0], 1)
    lib.option_set_stream_reset_rate_limit(made[0], resets, max(1, resets // 10))
    return made[0]


def header_array(ffi: Any, fields: Sequence[Field]) -> tuple[Any, int, list[Any]]:
    """As the library takes headers; the last of the three owns their bytes."""
    array = ffi.new("nghttp2_nv[]", len(fields))
    keep = []
    for entry, (name, value) in zip(array, fields, strict=True):
        name_bytes, value_bytes = ffi.from_buffer(name), ffi.from_buffer(value)
        keep += [name_bytes, value_bytes]
        entry.name, entry.namelen = ffi.cast("uint8_t *", name_bytes), len(name)
        entry.value, entry.valuelen = ffi.cast("uint8_t *", value_bytes), len(value)
    return array, len(fields), keep


def check(code: int) -> None:
    if code < 0:
        ffi, lib = binding.load()
        raise MemoryError(f"libnghttp2: {ffi.string(lib.strerror(code)).decode()}")


def _failed(kind: Any, error: BaseException, traceback: Any) -> None:
    """A fault of this package's own: it costs the connection, and nobody else's."""
    log.error("a connection is dropped: its handling failed", exc_info=error)
