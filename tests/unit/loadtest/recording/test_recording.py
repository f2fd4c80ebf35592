"""A recording as it is read, and what is told of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtest.recording.player import replayable
from loadtest.recording.recording import Recording
from loadtest.recording.show import told
from stepwire.recording.v1 import recording_pb2 as rec
from stepwire.refused import Refused
from tests.recordings import begun, floats, step, taped


def test_steps_are_found_by_stream_and_number(tmp_path: Path) -> None:
    made = [begun(0), begun(1), step(0), step(0, stream=1, output=7.0), step(1, asked_us=5)]
    with Recording(taped(tmp_path / "r.rec", made)) as recording:
        assert [len(each.steps) for each in recording.streams.values()] == [2, 1]
        steps = recording.streams[1].steps
        assert recording.step(steps.offset(0)).outputs == [floats(7.0)]
        assert recording.streams[0].steps.asked_us(1) == 5
        assert recording.damage is None
        assert recording.last_us == 2_000_000


def test_an_answer_takes_the_place_of_a_step_that_had_none(tmp_path: Path) -> None:
    made = [begun(), step(0), step(1, output=None), step(1, output=3.0), step(2)]
    with Recording(taped(tmp_path / "r.rec", made)) as recording:
        steps = recording.streams[0].steps
        assert len(steps) == 3
        assert recording.step(steps.offset(1)).outputs == [floats(3.0)]


def test_a_step_without_an_answer_is_asked_again_where_others_follow(tmp_path: Path) -> None:
    made = [begun(), step(0), step(1, output=None), step(2), step(3, output=None)]
    with Recording(taped(tmp_path / "r.rec", made)) as recording:
        steps = recording.streams[0].steps
        assert len(steps) == 3
        assert not recording.step(steps.offset(1)).HasField("answered_us")


def test_a_missing_step_ends_what_can_be_replayed(tmp_path: Path) -> None:
    made = [begun(), step(0), step(2), step(1), step(3)]
    with Recording(taped(tmp_path / "r.rec", made)) as recording:
        assert len(recording.streams[0].steps) == 1
        assert recording.streams[0].steps.missing == 1
    assert "step 1 is missing, and ends what can be replayed" in told(tmp_path / "r.rec")


def test_times_do_not_go_back_within_a_stream(tmp_path: Path) -> None:
    """A step that was refused and asked again may come behind those after it."""
    made = [begun(), step(0, asked_us=9), step(1, asked_us=4)]
    with Recording(taped(tmp_path / "r.rec", made)) as recording:
        assert recording.streams[0].steps.asked_us(1) == 9


def test_only_streams_from_their_first_step_on_are_replayed_the_earliest_first(
    tmp_path: Path,
) -> None:
    made = [
        *(begun(0), begun(1, first_step=5), begun(2), begun(3)),
        *(step(0, asked_us=20), step(5, stream=1), step(0, stream=2, asked_us=10)),
        step(0, stream=3, output=None),
    ]
    with Recording(taped(tmp_path / "r.rec", made)) as recording:
        assert [each.begun.stream for each in replayable(recording)] == [2, 0]
    assert "stream-1: accumulator/1, 1 answered; from step 5 on, which cannot be replayed" in told(
        tmp_path / "r.rec"
    )


def test_what_is_in_a_recording_is_told(tmp_path: Path) -> None:
    refused = rec.Record(refused=rec.Refused(stream=0, step=2, code="INVALID_INPUT"))
    made = [
        begun(),
        step(0),
        step(1, verdict=rec.VERDICT_LATE),
        step(2, verdict=rec.VERDICT_HELD),
        refused,
    ]
    path = taped(tmp_path / "r.rec", made)
    assert told(path).splitlines()[1:] == [
        "  recorded    2001-09-09 01:46:40 UTC, 0:02, from localhost:50051, by stepwire 0.1.0",
        f"  size        {path.stat().st_size} bytes",
        "  streams     1",
        "  steps       3 answered, 1 late, 1 held, 1 refused",
        "  latency     1.00 ms from recorder to answer (mean)",
        "  model       accumulator/1, digest 0123456789ab: 1 stream, 3 steps",
        "  stream      stream-0: accumulator/1, 3 answered, 1 late, 1 held, 1 refused",
        "  unrecorded  3 calls of /some.Service/Method",
    ]


def test_a_cut_recording_is_told_where(tmp_path: Path) -> None:
    path = taped(tmp_path / "r.rec", [begun(), step(0)], ended=False)
    size = path.stat().st_size
    assert told(path).splitlines()[-1] == (
        f"  damage      cut off at byte {size}; what stands before it can be replayed"
    )


def test_of_many_streams_those_of_the_most_steps_are_listed(tmp_path: Path) -> None:
    made = [begun(n) for n in range(12)] + [step(0, stream=11)]
    lines = told(taped(tmp_path / "r.rec", made)).splitlines()
    listed = [line for line in lines if line.startswith("  stream  ")]
    assert len(listed) == 10 and "stream-11: " in listed[0]
    assert "and 2 streams of fewer steps" in "\n".join(lines)


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    empty, other = tmp_path / "empty", tmp_path / "other"
    empty.touch()
    other.write_bytes(b"something else entirely")
    for path, why in [
        (tmp_path / "none", "No such file"),
        (tmp_path, "Is a directory"),
        (empty, "it is empty"),
        (other, "it is no recording of `stepwire record`"),
    ]:
        with pytest.raises(Refused, match=why):
            Recording(path)
