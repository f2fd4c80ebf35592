"""libnghttp2 as Python calls it, found when it is first asked for.

cffi reads the declarations below and opens the shared library: no compiler is needed. They are
those of nghttp2.h 1.52, cut down to what is used (https://nghttp2.org/documentation/).
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from service.startup import StartError

LIBRARY = "libnghttp2.so.14"
_ADVICE = "install it, or serve with --transport grpc"

_DECLARATIONS = """
typedef struct nghttp2_session nghttp2_session;
typedef struct nghttp2_session_callbacks nghttp2_session_callbacks;
typedef struct nghttp2_option nghttp2_option;
typedef struct {
    size_t length; int32_t stream_id; uint8_t type; uint8_t flags; uint8_t reserved;
} nghttp2_frame_hd;
typedef struct { nghttp2_frame_hd hd; } nghttp2_frame;
typedef struct { void *ptr; } nghttp2_data_source;
typedef struct {
    uint8_t *name; uint8_t *value; size_t namelen; size_t valuelen; uint8_t flags;
} nghttp2_nv;
typedef struct { int32_t settings_id; uint32_t value; } nghttp2_settings_entry;

typedef int (*on_frame_recv)(nghttp2_session *, const nghttp2_frame *, void *);
typedef int (*on_header)(nghttp2_session *, const nghttp2_frame *, const uint8_t *, size_t,
                         const uint8_t *, size_t, uint8_t, void *);
typedef int (*on_data_chunk)(nghttp2_session *, uint8_t, int32_t, const uint8_t *, size_t, void *);
typedef int (*on_stream_close)(nghttp2_session *, int32_t, uint32_t, void *);
typedef ssize_t (*read_data)(nghttp2_session *, int32_t, uint8_t *, size_t, uint32_t *,
                             nghttp2_data_source *, void *);
typedef int (*send_data)(nghttp2_session *, nghttp2_frame *, const uint8_t *, size_t,
                         nghttp2_data_source *, void *);
typedef struct { nghttp2_data_source source; read_data read_callback; } nghttp2_data_provider;

int nghttp2_session_callbacks_new(nghttp2_session_callbacks **);
void nghttp2_session_callbacks_set_on_frame_recv_callback(nghttp2_session_callbacks *,
                                                          on_frame_recv);
void nghttp2_session_callbacks_set_on_begin_headers_callback(nghttp2_session_callbacks *,
                                                             on_frame_recv);
void nghttp2_session_callbacks_set_on_header_callback(nghttp2_session_callbacks *, on_header);
void nghttp2_session_callbacks_set_on_data_chunk_recv_callback(nghttp2_session_callbacks *,
                                                               on_data_chunk);
void nghttp2_session_callbacks_set_on_stream_close_callback(nghttp2_session_callbacks *,
                                                            on_stream_close);
void nghttp2_session_callbacks_set_send_data_callback(nghttp2_session_callbacks *, send_data);

int nghttp2_option_new(nghttp2_option **);
void nghttp2_option_set_no_auto_window_update(nghttp2_option *, int);
void nghttp2_option_set_stream_reset_rate_limit(nghttp2_option *, uint64_t, uint64_t);

int nghttp2_session_server_new2(nghttp2_session **, const nghttp2_session_callbacks *, void *,
                                const nghttp2_option *);
void nghttp2_session_del(nghttp2_session *);
ssize_t nghttp2_session_mem_recv(nghttp2_session *, const uint8_t *, size_t);
ssize_t nghttp2_session_mem_send(nghttp2_session *, const uint8_t **);
int nghttp2_session_want_read(nghttp2_session *);
int nghttp2_session_consume_connection(nghttp2_session *, size_t);
int nghttp2_session_consume_stream(nghttp2_session *, int32_t, size_t);
int nghttp2_session_set_local_window_size(nghttp2_session *, uint8_t, int32_t, int32_t);
int32_t nghttp2_session_get_last_proc_stream_id(nghttp2_session *);
int nghttp2_submit_settings(nghttp2_session *, uint8_t, const nghttp2_settings_entry *, size_t);
int32_t nghttp2_submit_headers(nghttp2_session *, uint8_t, int32_t, const void *,
                               const nghttp2_nv *, size_t, void *);
int nghttp2_submit_data(nghttp2_session *, uint8_t, int32_t, const nghttp2_data_provider *);
int nghttp2_submit_trailer(nghttp2_session *, int32_t, const nghttp2_nv *, size_t);
int nghttp2_submit_rst_stream(nghttp2_session *, uint8_t, int32_t, uint32_t);
int nghttp2_submit_ping(nghttp2_session *, uint8_t, const uint8_t *);
int nghttp2_submit_goaway(nghttp2_session *, uint8_t, int32_t, uint32_t, const uint8_t *, size_t);
int nghttp2_session_terminate_session(nghttp2_session *, uint32_t);
const char *nghttp2_strerror(int);
"""


class Binding(NamedTuple):
    """`ffi` makes and reads C data; `lib` has the functions."""

    ffi: Any
    lib: Any


@cache
def load(library: str = LIBRARY) -> Binding:
    """Raises StartError where cffi or the library is missing, or is too old to be safe."""
    try:
        from cffi import FFI
    except ImportError as error:
        raise StartError(
            "transport: nghttp2 needs the Python package cffi: install the extra "
            "`stepwire[fast]`, or serve with --transport grpc"
        ) from error
    ffi = FFI()
    ffi.cdef(_DECLARATIONS)
    try:
        lib = ffi.dlopen(library)
    except OSError as error:
        raise StartError(
            f"transport: nghttp2 needs {library} (Debian's package libnghttp2-14): {_ADVICE}"
        ) from error
    return Binding(ffi, _Functions(lib, library))


class _Functions:
    """The functions, looked up once: each use of cffi's own library object costs a search."""

    def __init__(self, lib: Any, library: str) -> None:
        for name in dir(lib):
            try:
                setattr(self, name.removeprefix("nghttp2_"), getattr(lib, name))
            except AttributeError as error:
                raise StartError(
                    f"transport: {library} has no {name}, without which it can be flooded: "
                    "update Debian's package libnghttp2-14, or serve with --transport grpc"
                ) from error
