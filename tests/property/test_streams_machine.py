"""Every event of a stream in every state, against a model that keeps books by hand."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from service.core.directory import Directory
from service.core.errors import (
    StepFault,
    StreamExists,
    StreamNotFound,
    StreamTakenOver,
    TooManyStreams,
)
from service.core.lateness import Verdict
from service.core.steps import Answer, Output, Step, StepError
from service.core.streams import Mode, Stream
from service.engine import Engine
from service.lanes.lanes import Lanes
from tests.fakes import MODEL, WINDOW, Connection, accumulator_lane, number, request

T = TypeVar("T")

IDS = ("a", "b", "c")
TOKENS = (bytes(16), bytes(range(16)))
IDLE = 60.0
LIMIT = 2
LARGEST = float(np.finfo(np.float32).max)


@dataclass
class Book:
    """What must be true of one stream."""

    stream: Stream
    token: bytes
    owner: Connection | None
    holder: bytes
    detached_at: float = 0.0
    total: np.float32 = field(default_factory=lambda: np.float32(0))
    history: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Per step that has run: its input and its output."""
    pending: list[tuple[int, bytes]] = field(default_factory=list)
    seen: int = 0
    """Answers of the present owner that are in the books."""

    @property
    def next_step(self) -> int:
        return len(self.history)

    def expect(self, step: int, data: bytes) -> Output | StepFault:
        """The right answer to a message, taking it into the books."""
        if step > self.next_step:
            return StepFault.STEP_GAP
        if step < self.next_step - WINDOW:
            return StepFault.STEP_TOO_OLD
        if step < self.next_step:
            first_input, first_output = self.history[step]
            if data != first_input:
                return StepFault.STEP_CONFLICT
            return Output(step, (first_output,), Verdict.ON_TIME)
        return self._run(step, data)

    def _run(self, step: int, data: bytes) -> Output | StepFault:
        if len(data) != 4:
            return StepFault.INVALID_INPUT
        value = np.frombuffer(data, np.float32)[0]
        if not math.isfinite(value):
            return StepFault.INVALID_INPUT
        with np.errstate(over="ignore"):
            total = self.total + value
        if not math.isfinite(total):
            return StepFault.RESULT_NOT_FINITE
        self.total = total
        self.history.append((data, total.tobytes()))
        return Output(step, (total.tobytes(),), Verdict.ON_TIME)


class Streams(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.now = 0.0
        self.lane = accumulator_lane(max_batch=2)
        directory = Directory(limit=LIMIT, idle_limit=IDLE)
        self.engine = Engine(Lanes({MODEL: self.lane}, {}), directory, clock=lambda: self.now)
        self.books: dict[str, Book] = {}

    def teardown(self) -> None:
        self.runner.close()

    def call(self, work: Callable[[], T]) -> T:
        async def on_the_loop() -> T:
            return work()

        return self.runner.run(on_the_loop())

    def settle(self, book: Book) -> None:
        """Checks the answers that came since, one for each message and in order."""
        owner = book.owner
        answers: list[Answer] = owner.answers[book.seen :] if owner else []
        assert len(answers) <= len(book.pending)
        for answer in answers:
            step, data = book.pending.pop(0)
            expected = book.expect(step, data)
            assert answer.number == step
            if isinstance(answer, StepError):
                assert answer.fault is expected
                assert answer.next_step == book.next_step
            else:
                assert isinstance(expected, Output)
                assert (answer.outputs, answer.verdict) == (expected.outputs, expected.verdict)
        book.seen += len(answers)

    def hand_over(self, book: Book, owner: Connection | None) -> None:
        self.settle(book)
        book.pending.clear()
        book.owner, book.seen = owner, 0

    def expire(self) -> None:
        for stream_id, book in list(self.books.items()):
            if book.owner is None and self.now >= book.detached_at + IDLE:
                del self.books[stream_id]

    @rule(
        stream_id=st.sampled_from(IDS),
        token=st.sampled_from(TOKENS),
        mode=st.sampled_from(Mode),
        holder=st.sampled_from([b"one", b"two"]),
    )
    def open(self, stream_id: str, token: bytes, mode: Mode, holder: bytes) -> None:
        self.expire()
        owner, known = Connection(), self.books.get(stream_id)
        refusal = self._refusal(known, token, mode, holder)
        if known:
            self.settle(known)
        former = known.owner if known else None
        asked = request(stream_id, mode, token, holder=holder)
        if refusal:
            with pytest.raises(refusal):
                self.runner.run(self.engine.open(asked, owner))
            return
        opened = self.runner.run(self.engine.open(asked, owner))
        if known and known.token == token:
            assert opened.stream is known.stream
            assert opened.next_step == known.next_step
            self.hand_over(known, owner)
            known.holder = holder
        else:
            assert opened.next_step == 0
            self.books[stream_id] = Book(opened.stream, token, owner, holder)
        if former:
            assert isinstance(former.ended, StreamTakenOver)

    def _refusal(
        self, known: Book | None, token: bytes, mode: Mode, holder: bytes
    ) -> type[Exception] | None:
        if known and known.token == token:
            taken = mode is Mode.RECONNECT and known.holder != holder
            return StreamTakenOver if taken else None
        if mode in (Mode.RESUME, Mode.RECONNECT):
            return StreamNotFound
        if known:
            return StreamExists if mode is Mode.CREATE else None
        return TooManyStreams if len(self.books) >= LIMIT else None

    @precondition(lambda self: self.books)
    @rule(
        data=st.data(),
        offset=st.sampled_from([0, 0, 0, 0, 1, -1, -2, -WINDOW, -WINDOW - 1]),
        encoded=st.sampled_from(
            [number(x) for x in (0.0, 1.0, -2.5, math.nan, math.inf, LARGEST)] + [b"", b"12345678"]
        ),
        again=st.booleans(),
    )
    def submit(self, data: st.DataObject, offset: int, encoded: bytes, again: bool) -> None:
        book = self.books[data.draw(st.sampled_from(sorted(self.books)))]
        if book.owner is None:
            return
        self.settle(book)
        step = max(0, book.next_step + len(book.pending) + offset)
        if again and step < len(book.history):
            encoded = book.history[step][0]
        book.pending.append((step, encoded))
        message = Step(step, (encoded,), self.now)
        self.call(lambda: self.engine.submit(book.stream, message))

    @precondition(lambda self: self.books)
    @rule(data=st.data(), close=st.booleans())
    def leave(self, data: st.DataObject, close: bool) -> None:
        stream_id = data.draw(st.sampled_from(sorted(self.books)))
        book = self.books[stream_id]
        owner = book.owner
        if owner is None:
            return
        act = self.engine.close if close else self.engine.detach
        self.call(lambda: act(book.stream, owner))
        if close:
            del self.books[stream_id]
        else:
            self.hand_over(book, None)
            book.detached_at = self.now

    @precondition(lambda self: self.books)
    @rule(data=st.data(), close=st.booleans())
    def a_stranger_leaves(self, data: st.DataObject, close: bool) -> None:
        book = self.books[data.draw(st.sampled_from(sorted(self.books)))]
        act = self.engine.close if close else self.engine.detach
        self.call(lambda: act(book.stream, Connection()))

    @rule(seconds=st.sampled_from([1.0, IDLE / 2, IDLE]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def every_message_is_answered(self) -> None:
        async def go_round() -> None:
            while self.lane.waiting:
                await asyncio.sleep(0)

        self.runner.run(go_round())
        for book in self.books.values():
            self.settle(book)
            assert not book.pending

    @invariant()
    def only_accepted_steps_move_next_step(self) -> None:
        for book in self.books.values():
            if book.stream.slot is None:
                continue
            self.settle(book)
            assert self.lane.next_step(book.stream) == book.next_step

    @invariant()
    def every_held_slot_is_of_one_stream(self) -> None:
        slots = self.lane.slots
        held = [book.stream.slot for book in self.books.values() if book.stream.slot]
        assert len({slot.row for slot in held}) == len(held) == slots.held


TestStreams = Streams.TestCase
