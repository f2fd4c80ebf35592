from __future__ import annotations

import gc
import weakref

from service.console.lines import KEPT, Lines
from service.core.lateness import LatePolicy
from service.core.streams import Stream, StreamKey, hash_token
from tests.fakes import MODEL, TOKEN, WINDOW, Connection, accumulator_lane
from tests.unit.service.console.stepping import steps

ROBOT = StreamKey("", "robot")


class Watching:
    """Lines of one lane, and a clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0
        self.lane = accumulator_lane()
        self.lines = Lines(lambda: [self.lane], lambda: self.now)

    def begin(self, key: StreamKey = ROBOT) -> Stream:
        stream = Stream(key, hash_token(TOKEN), MODEL, LatePolicy.FLAG, Connection())
        self.lane.start(stream)
        return stream

    def seen(self, key: StreamKey = ROBOT, after: int = -1) -> dict[int, float]:
        """The first feature of each step."""
        line = self.lines.read(key, after)
        assert line
        return dict(zip(line.steps, line.values[0], strict=True)) if line.steps else {}


def test_what_is_still_kept_is_seen_at_once() -> None:
    watching = Watching()
    steps(watching.lane, watching.begin(), 10)
    assert watching.seen() == {step: step + 1.0 for step in range(10 - WINDOW, 10)}


def test_from_then_on_no_step_is_missed() -> None:
    watching = Watching()
    stream = watching.begin()
    steps(watching.lane, stream, 1)
    watching.seen()
    steps(watching.lane, stream, 99)
    assert watching.seen() == {step: step + 1.0 for step in range(100)}
    assert watching.seen(after=97) == {98: 99.0, 99: 100.0}
    assert watching.seen(after=99) == {}


def test_a_line_has_an_end() -> None:
    watching = Watching()
    stream = watching.begin()
    watching.seen()
    steps(watching.lane, stream, KEPT + 50)
    assert list(watching.seen()) == list(range(50, KEPT + 50))


def test_a_lane_is_left_alone_unless_one_of_its_streams_is_watched() -> None:
    watching = Watching()
    stream = watching.begin()
    assert watching.lane.onlooker is None
    watching.seen()
    assert watching.lane.onlooker is not None
    watching.now += 11.0
    steps(watching.lane, stream, 1)
    assert watching.lane.onlooker is None


def test_a_lane_that_was_unloaded_is_not_held() -> None:
    watching = Watching()
    watching.begin()
    watching.seen()
    held, watching.lane = weakref.ref(watching.lane), accumulator_lane()
    watching.now += 11.0
    watching.lines.tidy()
    gc.collect()
    assert held() is None


def test_a_line_that_is_asked_for_stays() -> None:
    watching = Watching()
    stream = watching.begin()
    for _ in range(5):
        watching.seen()
        watching.now += 6.0
        steps(watching.lane, stream, 10)
    assert len(watching.seen()) == 50


def test_there_is_no_line_of_a_stream_that_is_not_there() -> None:
    watching = Watching()
    assert watching.lines.read(ROBOT, -1) is None
    stream = watching.begin()
    watching.seen()
    watching.lane.free(stream)
    assert watching.lines.read(ROBOT, -1) is None
    assert watching.lane.onlooker is None


def test_a_stream_that_begins_anew_has_a_new_line() -> None:
    watching = Watching()
    stream = watching.begin()
    steps(watching.lane, stream, 20)
    watching.seen()
    watching.lane.free(stream)
    steps(watching.lane, watching.begin(), 2, x=5.0)
    assert watching.seen() == {0: 5.0, 1: 10.0}


def test_few_are_watched_at_a_time() -> None:
    watching = Watching()
    streams = {f"s{number}": watching.begin(StreamKey("", f"s{number}")) for number in range(20)}
    for name in streams:
        watching.seen(StreamKey("", name))
    for stream in streams.values():
        steps(watching.lane, stream, WINDOW + 1)
    assert len(watching.seen(StreamKey("", "s19"))) == WINDOW + 1
    assert len(watching.seen(StreamKey("", "s0"))) == WINDOW


def test_the_next_step_tells_of_a_new_beginning() -> None:
    watching = Watching()
    steps(watching.lane, watching.begin(), 3)
    line = watching.lines.read(ROBOT, 50)
    assert line
    assert (line.next_step, line.steps, line.features) == (3, (), 1)


def test_a_step_is_seen_once_however_it_was_missed() -> None:
    watching = Watching()
    stream = watching.begin()
    steps(watching.lane, stream, 2)
    watching.seen()
    watching.lane.onlooker = None
    steps(watching.lane, stream, 2)
    line = watching.lines.read(ROBOT, -1)
    assert line
    assert line.steps == (0, 1, 2, 3)
