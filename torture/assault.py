"""The assault: malformed messages of every kind, drawn from a seed."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import secrets
import struct
from collections import Counter
from collections.abc import Sequence

import grpc
import numpy as np
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError

from stepwire.v1 import stream_pb2 as pb
from torture.frames import Garbler
from torture.grammar import Grammar
from torture.mutator import Mutator
from torture.package import FEATURES, NAME, OUTPUTS
from torture.promises import promised
from torture.raw import FAST, STREAM, TRANSIENT, Reply, converse, path_of
from torture.witness import Seen, Witness

_PATIENCE = 0.25
"""Seconds that a call may stay open after it has said what it had to say."""
_PATIENCE_WITH_STEPS = 10.0
_ATTEMPTS, _RETRY = 50, 0.1
_HEARING = 0.05
"""Seconds that a connection which speaks no HTTP/2 is listened to."""
_IN_ONE_CALL = 20
_FAR = (2, 3, 9, 100, 2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1)
"""Numbers of steps that a stream which has run one does not expect."""
_TOKEN_BYTES = 16
_INPUT_BYTES = 4 * FEATURES
_OURS = ("stepwire.", "inference.")


class Assault:
    """Several workers, each with its own source of chance. Raises PromiseBroken."""

    def __init__(
        self,
        address: str,
        methods: Sequence[MethodDescriptor],
        witness: Witness,
        strangers: Sequence[str],
    ) -> None:
        """`strangers`: ids of streams whose tokens it does not know."""
        self._address = address
        self._methods = methods
        self._strangers = strangers
        self._first_two = [seen for _, _, seen in witness.undisturbed({0: 2})]
        self._inputs = [witness.input(0, step).tobytes() for step in range(2)]
        self.sent = 0
        self.statuses: Counter[str] = Counter()
        self.refused_in_stream = 0

    async def run(self, messages: int, *, workers: int, seed: int) -> None:
        """Sends at least so many messages."""
        async with asyncio.TaskGroup() as tasks:
            for number in range(workers):
                source = random.Random(f"{seed} {number}")
                tasks.create_task(self._work(messages, source))

    async def _work(self, messages: int, source: random.Random) -> None:
        worker = _Worker(source, self._strangers)
        async with grpc.aio.insecure_channel(self._address, options=FAST) as channel:
            while self.sent < messages:
                kind = source.random()
                if kind < 0.55:
                    await self._call(channel, worker)
                elif kind < 0.7:
                    await self._impersonate(channel, worker)
                elif kind < 0.9:
                    await self._speak_no_http2(worker)
                else:
                    await self._torment(channel, worker)

    async def _call(self, channel: grpc.aio.Channel, worker: _Worker) -> None:
        """One malformed message, or a few, to any RPC."""
        method = worker.source.choice(self._methods)
        count = worker.source.choice((1, 1, 3))
        messages = [worker.message(method) for _ in range(count)]
        await self._say(channel, path_of(method), messages)

    async def _impersonate(self, channel: grpc.aio.Channel, worker: _Worker) -> None:
        """Asks for a stream of which it knows no more than the id."""
        status = await self._say(channel, STREAM, [worker.stolen_open()])
        promised(status != "OK", "a stream was opened without its token")

    async def _speak_no_http2(self, worker: _Worker) -> None:
        method = worker.source.choice(self._methods)
        data = worker.garbler.garble(path_of(method), worker.message(method))
        host, _, port = self._address.rpartition(":")
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(data)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_HEARING):
                    while await reader.read(65536):
                        pass
            writer.transport.abort()
        self.sent += 1
        self.statuses["no HTTP/2"] += 1

    async def _torment(self, channel: grpc.aio.Channel, worker: _Worker) -> None:
        """Malformed steps in a stream of its own, which is as it was afterwards."""
        opening = pb.Open(
            model=NAME, stream_id=secrets.token_hex(8), token=secrets.token_bytes(_TOKEN_BYTES)
        )
        sound = [_open(opening), self._step(0)]
        bad = [worker.bad_step(self._inputs) for _ in range(_IN_ONE_CALL)]
        answers, status, _ = await _surely(channel, [*sound, *bad])
        self.sent += len(bad)
        heard = [pb.StreamResponse.FromString(answer) for answer in answers]
        kinds = Counter(answer.WhichOneof("event") for answer in heard)
        self.refused_in_stream += kinds["error"]
        promised(
            kinds["output"] <= 1 and (status != "OK" or kinds["error"] == len(bad)),
            f"{len(bad)} malformed steps behind a sound one were answered by {dict(kinds)}",
        )
        opening.mode = pb.OPEN_MODE_RESUME
        close = pb.StreamRequest(close=pb.Close()).SerializeToString()
        sound = [_open(opening), self._step(1), close]
        answers, status, details = await _surely(channel, sound)
        promised(
            len(answers) == 2, f"a stream that got malformed steps is gone: {status} {details}"
        )
        seen = _seen(answers[1])
        promised(
            seen == self._first_two[1],
            f"malformed steps moved a stream: {seen} instead of {self._first_two[1]}",
        )

    def _step(self, number: int) -> bytes:
        step = pb.Step(step=number, inputs=[self._inputs[number]])
        return pb.StreamRequest(step=step).SerializeToString()

    async def _say(self, channel: grpc.aio.Channel, path: str, messages: Sequence[bytes]) -> str:
        _, status, details = await converse(channel, path, messages, patience=_PATIENCE)
        self.sent += len(messages)
        self.statuses[status] += 1
        promised(
            status != "UNKNOWN" or not _is_ours(path, details),
            f"{path} met an error that nobody expected: {details}",
        )
        return status


class _Worker:
    """Draws messages."""

    def __init__(self, source: random.Random, strangers: Sequence[str]) -> None:
        self.source = source
        self._strangers = strangers
        self._mutator = Mutator(source)
        self.garbler = Garbler(source, self._mutator.mutate)
        self._to_streams = Grammar(source, [NAME, "mine", "1"])
        # Its messages name streams that are not its own, and no model: unloading the model
        # of the streams beside it would be no malformed request.
        self._to_others = Grammar(source, [*strangers, "nothing"])

    def message(self, method: MethodDescriptor) -> bytes:
        """For the RPC: drawn from its grammar, and mutated as often as not."""
        to_streams = method.containing_service.name == "StreamInference"
        grammar = self._to_streams if to_streams else self._to_others
        data = grammar.message(method.input_type).SerializeToString()
        return self._mutator.mutate(data) if self.source.random() < 0.5 else data

    def stolen_open(self) -> bytes:
        """An open that would join a stream, with another token."""
        return _open(
            pb.Open(
                model=self.source.choice((NAME, "")),
                stream_id=self.source.choice(self._strangers),
                mode=self.source.choice((0, 1, 2, 4)),  # type: ignore[arg-type] # numbers
                token=self.source.randbytes(self.source.choice((0, 1, 15, 16, 16, 17))),
                holder=self.source.randbytes(8),
            )
        )

    def bad_step(self, inputs: Sequence[bytes]) -> bytes:
        """For a stream that has run step 0 and expects step 1."""
        while True:
            message = pb.StreamRequest(step=self._step(inputs))
            data = message.SerializeToString()
            if self.source.random() < 0.05:
                data = self._mutator.mutate(data)
            if not _is_sound(data, inputs):
                return data

    def _step(self, inputs: Sequence[bytes]) -> pb.Step:
        made = self._to_streams.message(pb.Step.DESCRIPTOR)
        assert isinstance(made, pb.Step)
        if self.source.random() < 0.5:
            made.step = self.source.choice((0, 1, *_FAR))
        if self.source.random() < 0.5:
            made.inputs[:] = [self.source.choice(inputs)]
        elif self.source.random() < 0.3:
            made.inputs[:] = [self._not_finite()]
        return made

    def _not_finite(self) -> bytes:
        """An input of the right size, one element of which no number is."""
        row = [0.5] * FEATURES
        row[self.source.randrange(FEATURES)] = self.source.choice((math.inf, -math.inf, math.nan))
        return struct.pack(f"<{FEATURES}f", *row)


def _is_ours(path: str, details: str) -> bool:
    """Whether an unknown error is the service's; gRPC has one for a message that it cannot read."""
    ours = path.startswith(tuple(f"/{package}" for package in _OURS))
    return ours and (path == STREAM or "DecodeError" not in details)


async def _surely(channel: grpc.aio.Channel, messages: Sequence[bytes]) -> Reply:
    """Converses again while no server takes the call, as a client does; at most some seconds."""
    for _ in range(_ATTEMPTS):
        reply = await converse(channel, STREAM, messages, patience=_PATIENCE_WITH_STEPS)
        if reply.answers or reply.status not in TRANSIENT:
            break
        await asyncio.sleep(_RETRY)
    return reply


def _open(opening: pb.Open) -> bytes:
    return pb.StreamRequest(open=opening).SerializeToString()


def _seen(answer: bytes) -> Seen | None:
    output = pb.StreamResponse.FromString(answer).output
    if len(output.outputs) != 2 or len(output.outputs[0]) != 4 * OUTPUTS:
        return None
    return Seen(output.outputs[0], int.from_bytes(output.outputs[1], "little"))


def _is_sound(data: bytes, inputs: Sequence[bytes]) -> bool:
    """Whether a stream that expects step 1 does well to take this message."""
    try:
        message = pb.StreamRequest.FromString(data)
    except DecodeError:
        return False
    if message.WhichOneof("event") != "step":
        return message.WhichOneof("event") == "close"
    step = message.step
    if step.step == 0:
        return list(step.inputs) == [inputs[0]]
    if step.step != 1 or [len(tensor) for tensor in step.inputs] != [_INPUT_BYTES]:
        return False
    # The input of a step that was held is not looked at.
    held = step.verdict == pb.VERDICT_HELD
    return held or bool(np.isfinite(np.frombuffer(step.inputs[0], "<f4")).all())
