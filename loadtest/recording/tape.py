"""A recording that is being written."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from loadtest.recording.framing import FORMAT, MAGIC, framed
from stepwire.recording.v1 import recording_pb2 as pb


class Tape:
    """Made by `with`; what could not be written ends the recording and nothing else."""

    def __init__(self, path: Path, *, server: str, recorder: str, began_unix_us: int) -> None:
        """Raises OSError; a file that is there is left as it is, FileExistsError."""
        self.path = path
        self.bytes = 0
        self.counts: Counter[str] = Counter()
        """Records by their kind."""
        self.failure: str | None = None
        """Why nothing more is written."""
        self._file = path.open("xb")
        self._put(MAGIC)
        self.write(
            pb.Record(
                header=pb.Header(
                    format=FORMAT, began_unix_us=began_unix_us, server=server, recorder=recorder
                )
            )
        )
        self.flush()

    def write(self, record: pb.Record) -> None:
        if self.failure is None:
            self.counts[record.WhichOneof("kind") or ""] += 1
            self._put(framed(record))

    def flush(self) -> None:
        """What was written outlives this process from here on."""
        self._attempt(self._file.flush)

    def end(self, at_us: int, unrecorded: Counter[str]) -> None:
        self.write(pb.Record(end=pb.End(at_us=at_us, unrecorded=unrecorded)))
        self.flush()
        self._attempt(lambda: os.fsync(self._file.fileno()))

    def _put(self, data: bytes) -> None:
        self.bytes += len(data)
        self._attempt(lambda: self._file.write(data))

    def _attempt(self, work: Callable[[], object]) -> None:
        if self.failure is not None:
            return
        try:
            work()
        except OSError as error:
            self.failure = _reason(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._file.close()
        except OSError as error:  # of what was not flushed
            self.failure = self.failure or _reason(error)


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
