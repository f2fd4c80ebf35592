"""What is told of a replay."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from loadtest.recording.comparison import Difference, Result
from loadtest.recording.player import Replay, Wish
from loadtest.recording.recording import Recording
from loadtest.recording.result import equality, told
from loadtest.talkers.talker import Served
from tests.loads import interval, outcome
from tests.recordings import DIGEST, begun, step, taped

SERVED = Served("accumulator", 1, DIGEST, ("x: float32[1]",))


def wish(speed: float | None = 1.0, atol: float | None = None) -> Wish:
    return Wish(model=None, version=None, speed=speed, atol=atol)


def lines(
    path: Path, results: Sequence[Result], asked: Wish | None = None, streams: int = 1
) -> list[str]:
    asked = asked or wish()
    made = outcome(
        interval([0.001] * 8), served=SERVED, arrivals="recorded", rate=8.0 if asked.speed else None
    )
    records = [*(begun(n, first_step=5 * n) for n in range(streams)), step(0)]
    with Recording(taped(path / "r.rec", records)) as recording:
        return told(recording, asked, Replay(results, made)).splitlines()


def result(path: Path, **facts: object) -> Result:
    with Recording(taped(path / "of.rec", [begun(), step(0)])) as recording:
        made = Result(recording.streams[0], 8, served=SERVED)
    for name, value in facts.items():
        setattr(made, name, value)
    return made


def test_equal_outputs_are_told_and_the_latencies(tmp_path: Path) -> None:
    said = lines(tmp_path, [result(tmp_path, equal=8)])
    assert said[0] == f"accumulator/1, 1 stream of {tmp_path / 'r.rec'}, as it was"
    assert said[1] == "  outputs     8 of 8 steps equal, bit for bit"
    terms = [line.split()[0] for line in said[2:]]
    assert terms == ["asked", "reached", "latency", "misses", "errors", "late"]


def test_without_times_nothing_is_told_of_latencies(tmp_path: Path) -> None:
    said = lines(tmp_path, [result(tmp_path, equal=8)], wish(speed=None))
    assert said[0].endswith(", as fast as it is answered")
    assert [line.split()[0] for line in said[1:]] == ["outputs", "reached", "errors"]


def test_the_first_difference_of_a_stream_is_told(tmp_path: Path) -> None:
    first = (1204, Difference("y", (0,), 0.5, 0.25))
    said = lines(tmp_path, [result(tmp_path, equal=5, different=3, first=first)])
    assert said[2] == (
        "  different   stream-0, step 1,204: y[0] was 0.5 and is 0.25; 3 steps differ"
    )


def test_what_was_not_answered_and_what_was_not_compared_is_told(tmp_path: Path) -> None:
    said = lines(tmp_path, [result(tmp_path, equal=4, uncompared=2, failure="step 6: gone")])
    assert "  unanswered  stream-0, 2 steps: step 6: gone" in said
    assert "  uncompared  2 steps that the recording has no answer to" in said


def test_another_model_file_is_told(tmp_path: Path) -> None:
    other = SERVED._replace(digest="f" * 64)
    said = lines(tmp_path, [result(tmp_path, equal=8, served=other)])
    assert said[2] == (
        "  model       accumulator/1 is digest ffffffffffff, and the recording is of "
        "accumulator/1, digest 0123456789ab"
    )


def test_streams_that_were_begun_before_are_told_and_the_rest_counted(tmp_path: Path) -> None:
    said = lines(tmp_path, [result(tmp_path, equal=8)], streams=14)
    skipped = [line for line in said if line.startswith("  skipped")]
    assert skipped[0] == ("  skipped     stream-1: its state at step 5 is not in the recording")
    assert skipped[-1] == "  skipped     and 3 more streams" and len(skipped) == 11


def test_the_tolerance_is_told(tmp_path: Path) -> None:
    assert equality(wish(atol=0.01), [result(tmp_path, equal=8)]) == (
        "8 of 8 steps equal, within 0.01"
    )
