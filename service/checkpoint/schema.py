"""The tables of a SQLite file of streams, and how an older file gets them."""

from __future__ import annotations

import sqlite3

from service.checkpoint.store import StoreRefused

APPLICATION_ID = 0x53746570
"""Tells a file of Stepwire from any other SQLite file."""

SCHEMA_VERSION = 2

_STREAMS = (
    """
    CREATE TABLE streams (
        namespace  TEXT    NOT NULL,
        id         TEXT    NOT NULL,
        epoch      INTEGER NOT NULL,
        owner      TEXT    NOT NULL,
        step       INTEGER NOT NULL,  -- 2^53 once the stream has ended
        released   INTEGER NOT NULL,
        claimant   TEXT,              -- who asks for it; NULL: nobody
        expires    REAL    NOT NULL,  -- in seconds of the file's clock
        token_hash BLOB    NOT NULL,
        model      TEXT,
        version    INTEGER,
        checkpoint BLOB,              -- a CheckpointEnvelope; NULL once the stream has ended
        PRIMARY KEY (namespace, id)
    )""",
    "CREATE INDEX streams_by_expiry ON streams (expires)",
    "CREATE INDEX claims ON streams (owner) WHERE claimant IS NOT NULL",
    f"PRAGMA application_id = {APPLICATION_ID}",
    "PRAGMA user_version = 1",
)

_CLOCK = (
    """
    CREATE TABLE clock (
        boot  TEXT NOT NULL,  -- of the machine, in which `ahead` holds
        ahead REAL NOT NULL,  -- of the machine's clock, in seconds
        seen  REAL NOT NULL   -- the latest time that was written
    )""",
    "INSERT INTO clock VALUES ('', 0, strftime('%s'))",
    "PRAGMA user_version = 2",
)

_SCHEMAS = (_STREAMS, _CLOCK)
"""The statements that lead from each version to the next."""

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    # A commit is then no fsync: kill -9 of every process loses nothing, since the file is
    # the kernel's; a power cut may lose the newest rounds, and never damages the file.
    "PRAGMA synchronous = NORMAL",
    "PRAGMA journal_size_limit = 67108864",
)


def prepare(connection: sqlite3.Connection, path: str) -> None:
    if _version(connection) < SCHEMA_VERSION:
        connection.execute("BEGIN IMMEDIATE")
        # Another process may have made the tables meanwhile.
        version = _version(connection)
        if version == 0:
            _refuse_what_is_not_ours(connection, path)
        for statements in _SCHEMAS[version:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute("COMMIT")
    if (version := _version(connection)) > SCHEMA_VERSION:
        raise StoreRefused(
            f"--store sqlite:{path}: the file has schema {version}, of a newer version of "
            f"Stepwire; this one knows up to {SCHEMA_VERSION}: name another file"
        )
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _version(connection: sqlite3.Connection) -> int:
    """Of the schema; 0: the file is not of Stepwire."""
    [(application,)] = connection.execute("PRAGMA application_id")
    [(version,)] = connection.execute("PRAGMA user_version")
    return int(version) if application == APPLICATION_ID else 0


def _refuse_what_is_not_ours(connection: sqlite3.Connection, path: str) -> None:
    if connection.execute("SELECT 1 FROM sqlite_schema").fetchone():
        raise StoreRefused(
            f"--store sqlite:{path}: the file is the database of something else: name another"
        )
