"""The assault: malformed messages of every kind, drawn from a seed."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
from collections import Counter
from collections.abc import Sequence

import grpc
from google.protobuf.descriptor import MethodDescriptor

from stepwire.v1 import stream_pb2 as pb
from torture.bad_messages import BadMessages, open_request
from torture.package import NAME, OUTPUTS
from torture.promises import promised
from torture.raw import FAST, STREAM, TRANSIENT, Reply, converse, path_of
from torture.witness import Observation, Witness

_PATIENCE = 0.25
"""Seconds that a call may stay open after it has said what it had to say."""
_PATIENCE_WITH_STEPS = 10.0
_ATTEMPTS, _RETRY = 50, 0.1
_HEARING = 0.05
"""Seconds that a connection which speaks no HTTP/2 is listened to."""
_IN_ONE_CALL = 20
_TOKEN_BYTES = 16
_OURS = ("/stepwire.", "/inference.")
"""How the paths of the service's RPCs begin."""


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
        drawn = BadMessages(source, self._strangers)
        async with grpc.aio.insecure_channel(self._address, options=FAST) as channel:
            while self.sent < messages:
                kind = source.random()
                if kind < 0.55:
                    await self._call(channel, drawn)
                elif kind < 0.7:
                    await self._impersonate(channel, drawn)
                elif kind < 0.9:
                    await self._speak_no_http2(drawn)
                else:
                    await self._torment(channel, drawn)

    async def _call(self, channel: grpc.aio.Channel, drawn: BadMessages) -> None:
        """One malformed message, or a few, to any RPC."""
        method = drawn.source.choice(self._methods)
        count = drawn.source.choice((1, 1, 3))
        messages = [drawn.message(method) for _ in range(count)]
        await self._say(channel, path_of(method), messages)

    async def _impersonate(self, channel: grpc.aio.Channel, drawn: BadMessages) -> None:
        """Asks for a stream of which it knows no more than the id."""
        status = await self._say(channel, STREAM, [drawn.stolen_open()])
        promised(status != "OK", "a stream was opened without its token")

    async def _speak_no_http2(self, drawn: BadMessages) -> None:
        method = drawn.source.choice(self._methods)
        data = drawn.garbler.garble(path_of(method), drawn.message(method))
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

    async def _torment(self, channel: grpc.aio.Channel, drawn: BadMessages) -> None:
        """Malformed steps in a stream of its own, which is as it was afterwards."""
        opening = pb.Open(
            model=NAME, stream_id=secrets.token_hex(8), token=secrets.token_bytes(_TOKEN_BYTES)
        )
        sound = [open_request(opening), self._step(0)]
        bad = [drawn.bad_step(self._inputs) for _ in range(_IN_ONE_CALL)]
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
        sound = [open_request(opening), self._step(1), close]
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
            status != "UNKNOWN" or not path.startswith(_OURS),
            f"{path} met an error that nobody expected: {details}",
        )
        return status


async def _surely(channel: grpc.aio.Channel, messages: Sequence[bytes]) -> Reply:
    """Converses again while no server takes the call, as a client does; at most some seconds."""
    for _ in range(_ATTEMPTS):
        reply = await converse(channel, STREAM, messages, patience=_PATIENCE_WITH_STEPS)
        if reply.answers or reply.status not in TRANSIENT:
            break
        await asyncio.sleep(_RETRY)
    return reply


def _seen(answer: bytes) -> Observation | None:
    output = pb.StreamResponse.FromString(answer).output
    if len(output.outputs) != 2 or len(output.outputs[0]) != 4 * OUTPUTS:
        return None
    return Observation(output.outputs[0], int.from_bytes(output.outputs[1], "little"))
