"""What a client asks for when it opens a stream."""

from __future__ import annotations

import math
import re
import secrets
from typing import Literal, get_args

from stepwire.v1 import stream_pb2 as pb

Mode = Literal["create", "resume", "restart"]
Late = Literal["flag", "reject", "hold"]

_TOKEN_BYTES = 16
_HOLDER_BYTES = 8
_STREAM_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_UINT32_MAX = 2**32 - 1


def open_request(
    model: str,
    *,
    stream_id: str | None,
    mode: Mode,
    token: bytes | None,
    version: int | None,
    late: Late,
    sync: bool,
    rate_hz: float | None,
) -> pb.Open:
    """Id, token and holder are made here where they are left out. Raises ValueError."""
    if mode not in get_args(Mode):
        raise ValueError(f"mode is {_listed(get_args(Mode))}, not {mode!r}")
    if late not in get_args(Late):
        raise ValueError(f"late is {_listed(get_args(Late))}, not {late!r}")
    if version is not None and not 1 <= version <= _UINT32_MAX:
        raise ValueError(f"versions of a model count from 1; {version} is none")
    if mode == "resume" and not (stream_id and token):
        raise ValueError("resuming needs the stream's id and token")
    if rate_hz is not None and not 0 < rate_hz < math.inf:
        raise ValueError(f"a rate is a number of timesteps a second above 0, not {rate_hz}")
    return pb.Open(
        model=model,
        version=version or 0,
        stream_id=checked_id(stream_id or secrets.token_hex(8)),
        mode=pb.OpenMode.Value(f"OPEN_MODE_{mode.upper()}"),
        token=token or secrets.token_bytes(_TOKEN_BYTES),
        late_policy=pb.LatePolicy.Value(f"LATE_POLICY_{late.upper()}"),
        holder=secrets.token_bytes(_HOLDER_BYTES),
        sync=sync,
        rate_hz=rate_hz or 0.0,
    )


def checked_id(stream_id: str) -> str:
    """The id; it goes with each call as metadata, which not every text can. Raises ValueError."""
    if not _STREAM_ID.fullmatch(stream_id):
        raise ValueError(
            f"stream id {stream_id[:140]!r} is not 1 to 128 characters of A-Za-z0-9._:-"
        )
    return stream_id


def _listed(names: tuple[str, ...]) -> str:
    *most, last = map(repr, names)
    return f"{', '.join(most)} or {last}"


def reopen(request: pb.Open, opened: pb.Opened) -> None:
    """From here on the request asks for the stream that was opened, whatever version it has."""
    request.stream_id = opened.stream_id
    request.version = 0
    request.mode = pb.OPEN_MODE_RECONNECT
