"""Constants that sums can be done with by hand."""

from __future__ import annotations

from bench.scaling.constants import (
    LARGE,
    SMALL,
    Arithmetic,
    Client,
    Constants,
    Memory,
    Saving,
    Transport,
)

CONSTANTS = Constants(
    transport=Transport(turn_us=50.0, message_us=30.0, cold_us=40.0, fleet_us=100.0, entry_us=0.5),
    client=Client(turn_us=20.0, message_us=10.0, cold_us=0.0, wire_us=15.0),
    arithmetic={
        SMALL: Arithmetic(
            run_us=10.0, row_us=2.0, request_bytes=70.0, answer_bytes=529.0, kept_bytes=4608.0
        ),
        LARGE: Arithmetic(
            run_us=100.0, row_us=10.0, request_bytes=70.0, answer_bytes=1041.0, kept_bytes=10240.0
        ),
    },
    saving=Saving(
        sqlite_us=15.0,
        redis_us=20.0,
        redis_side_us=25.0,
        redis_wire_bytes=392.0,
        redis_memory_bytes=1000.0,
    ),
    memory=Memory(stream_bytes=30_000.0, entry_bytes=2_000.0),
    measured="a machine",
)
