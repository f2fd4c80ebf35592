from __future__ import annotations

import pytest

from loadtest.recording.register import Register
from stepwire.recording.v1 import recording_pb2 as rec


class Seen:
    """The records of a register."""

    def __init__(self) -> None:
        self.records: list[rec.Record] = []
        self.register = Register(self.records.append)

    @property
    def begun(self) -> list[rec.Begun]:
        return [each.begun for each in self.records if each.HasField("begun")]

    @property
    def steps(self) -> list[tuple[int, int, bool]]:
        """Stream, number, and whether it was answered."""
        return [
            (each.step.stream, each.step.step, each.step.HasField("answered_us"))
            for each in self.records
            if each.HasField("step")
        ]


@pytest.fixture
def seen() -> Seen:
    return Seen()
