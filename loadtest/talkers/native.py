"""Stepwire's own protocol, a call for each stream."""

from __future__ import annotations

import secrets

from loadtest.load import Load
from loadtest.talkers.connection import Connection
from loadtest.talkers.dialect import Dialect, Greeted
from loadtest.talkers.talker import Answer, Served
from stepwire import errors
from stepwire.call import Call
from stepwire.opening import open_request
from stepwire.tensors import Signature
from stepwire.v1 import stream_pb2 as pb
from stepwire.v1 import stream_pb2_grpc as pb_grpc


def opening(load: Load) -> pb.Open:
    """Of a stream with an id of its own."""
    return open_request(
        load.model,
        stream_id=f"load-{secrets.token_hex(8)}",
        mode="create",
        token=None,
        version=load.version,
        late="flag",
        sync=False,
        rate_hz=None,
    )


def served(opened: pb.Opened) -> Served:
    signature = Signature(opened.signature)
    return Served(opened.model, opened.version, signature.digest, tuple(map(str, signature.inputs)))


def failed(error: pb.StepError) -> Answer:
    """By the name that the client has for it."""
    return Answer(error=type(errors.from_step(error)).__name__, next_step=error.next_step)


class Native(Dialect[pb.StreamRequest, pb.StreamResponse]):
    def __init__(self, connection: Connection, stream: int) -> None:
        self._stub: pb_grpc.StreamInferenceAsyncStub = pb_grpc.StreamInferenceStub(
            connection.channel
        )
        self._connection = connection
        self._stream = stream
        self._open = opening(connection.load)

    async def begin(self) -> Call[pb.StreamRequest, pb.StreamResponse]:
        self._open = opening(self._connection.load)
        route = ("stepwire-route", self._open.stream_id)
        return Call(self._stub.Stream(metadata=(route, *self._connection.metadata)))

    async def greet(self, call: Call[pb.StreamRequest, pb.StreamResponse]) -> Greeted:
        await call.say(pb.StreamRequest(open=self._open))
        answer = await call.hear()
        if answer.WhichOneof("event") != "opened":
            raise errors.StepwireError("the server does not speak this protocol")
        self._connection.timesteps.fit(Signature(answer.opened.signature))
        return Greeted(answer.opened.window, served(answer.opened))

    def step(self, number: int) -> pb.StreamRequest:
        request = pb.StreamRequest()
        step = request.step
        step.step = number
        step.inputs.extend(self._connection.timesteps.of(self._stream, number))
        return request

    def read(self, response: pb.StreamResponse) -> Answer | None:
        event = response.WhichOneof("event")
        if event == "output":
            output = response.output
            return Answer(
                batch_size=output.batch_size,
                queued=output.queue_us * 1e-6,
                computed=output.compute_us * 1e-6,
            )
        return failed(response.error) if event == "error" else None

    def goodbye(self) -> pb.StreamRequest:
        return pb.StreamRequest(close=pb.Close())
