"""A recording as it is written."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from loadtest.recording.recording import Recording
from loadtest.recording.tape import Tape
from tests.recordings import begun, step, taped


def tape(path: Path) -> Tape:
    return Tape(path, server="localhost:1", recorder="0.1.0", began_unix_us=0)


def test_what_is_flushed_can_be_read_while_more_is_written(tmp_path: Path) -> None:
    with tape(tmp_path / "r.rec") as made:
        made.write(begun())
        made.write(step(0))
        made.flush()
        with Recording(made.path) as recording:
            assert len(recording.streams[0].steps) == 1
            assert recording.damage and recording.damage.reason == "cut off"
        assert made.counts == {"header": 1, "begun": 1, "step": 1}
        assert made.bytes == made.path.stat().st_size


def test_a_recording_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    there = taped(tmp_path / "r.rec", [begun()])
    before = there.read_bytes()
    with pytest.raises(FileExistsError):
        tape(there)
    assert there.read_bytes() == before


def test_a_full_disk_ends_the_recording_and_raises_nothing(tmp_path: Path) -> None:
    with tape(tmp_path / "r.rec") as made:
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, made._file.fileno())
        os.close(full)
        made.write(begun())
        made.flush()
        assert made.failure == "No space left on device"
        size = made.bytes
        made.write(step(0))
        made.end(1, Counter())
        assert made.bytes == size
