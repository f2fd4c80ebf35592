"""The client without `async`: the same calls, run on a thread of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self, TypedDict, Unpack

import numpy.typing as npt

import stepwire.client
import stepwire.fleet
import stepwire.states
import stepwire.stream
from stepwire.channel import PemFile
from stepwire.client import FleetOptions
from stepwire.errors import StepTimeout, StreamClosed
from stepwire.info import StepInfo
from stepwire.runner import Runner
from stepwire.states import Forked, StreamState, StreamSummary
from stepwire.tensors import Outputs, Signature, Tensors


class StreamOptions(FleetOptions, total=False):
    """What `stepwire.client.Client.stream` takes."""

    stream_id: str | None
    from_step: int | None


class ConnectOptions(TypedDict, total=False):
    """What `stepwire.connect` takes."""

    retry_for: float
    max_message_bytes: int
    coalesce: bool
    tls: bool
    ca: PemFile | None
    certificate: PemFile | None
    key: PemFile | None
    credential: str | None
    plaintext_credential: bool


class Stream:
    """`stepwire.stream.Stream` without `async`."""

    def __init__(self, runner: Runner, stream: stepwire.stream.Stream) -> None:
        self._runner = runner
        self._stream = stream

    @property
    def id(self) -> str:
        return self._stream.id

    @property
    def token(self) -> bytes:
        return self._stream.token

    @property
    def version(self) -> int:
        return self._stream.version

    @property
    def next_step(self) -> int:
        return self._stream.next_step

    @property
    def durable(self) -> bool:
        return self._stream.durable

    @property
    def durable_step(self) -> int:
        return self._stream.durable_step

    @property
    def protected(self) -> bool:
        return self._stream.protected

    @property
    def exact(self) -> bool:
        return self._stream.exact

    @property
    def signature(self) -> Signature:
        return self._stream.signature

    @property
    def info(self) -> StepInfo | None:
        return self._stream.info

    def open(self) -> None:
        self._runner.run(self._stream.open())

    def step(
        self, inputs: Tensors, *, budget: float | None = None, timeout: float | None = None
    ) -> Outputs:
        """As the asynchronous one. Raises StepTimeout after `timeout` seconds."""
        return self._runner.run(self._step(inputs, budget, timeout))

    async def _step(self, inputs: Tensors, budget: float | None, limit: float | None) -> Outputs:
        try:
            async with asyncio.timeout(limit):
                return await self._stream.step(inputs, budget=budget)
        except TimeoutError as error:
            raise StepTimeout(f"no answer within {limit} s") from error

    def close(self) -> None:
        self._runner.run(self._stream.close())

    def detach(self) -> None:
        self._runner.run(self._stream.detach())

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._runner.run(self._stream.__aexit__(kind, error, traceback))


class Fleet:
    """`stepwire.fleet.Fleet` without `async`."""

    def __init__(self, runner: Runner, fleet: stepwire.fleet.Fleet) -> None:
        self._runner = runner
        self._fleet = fleet
        self.streams = tuple(Stream(runner, stream) for stream in fleet.streams)

    def __len__(self) -> int:
        return len(self._fleet)

    def open(self) -> None:
        self._runner.run(self._fleet.open())

    def step(
        self, inputs: Tensors, *, which: Sequence[int] | None = None, budget: float | None = None
    ) -> Outputs:
        return self._runner.run(self._fleet.step(inputs, which=which, budget=budget))

    def close(self) -> None:
        self._runner.run(self._fleet.close())

    def detach(self) -> None:
        self._runner.run(self._fleet.detach())

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._runner.run(self._fleet.__aexit__(kind, error, traceback))


class States:
    """`stepwire.states.States` without `async`."""

    def __init__(self, runner: Runner, states: stepwire.states.States) -> None:
        self._runner = runner
        self._states = states

    def get(self, stream_id: str, token: bytes) -> StreamState:
        return self._runner.run(self._states.get(stream_id, token))

    def put(
        self,
        stream_id: str,
        token: bytes,
        state: StreamState | Mapping[str, npt.ArrayLike],
        *,
        next_step: int | None = None,
    ) -> int:
        return self._runner.run(self._states.put(stream_id, token, state, next_step=next_step))

    def reset(self, stream_id: str, token: bytes) -> None:
        self._runner.run(self._states.reset(stream_id, token))

    def delete(self, stream_id: str, token: bytes) -> None:
        self._runner.run(self._states.delete(stream_id, token))

    def fork(
        self,
        stream_id: str,
        token: bytes,
        *,
        new_stream_id: str | None = None,
        new_token: bytes | None = None,
    ) -> Forked:
        return self._runner.run(
            self._states.fork(stream_id, token, new_stream_id=new_stream_id, new_token=new_token)
        )

    def list(self) -> list[StreamSummary]:
        return self._runner.run(self._states.list())


class Client:
    """`stepwire.client.Client` without `async`."""

    def __init__(self, target: str, **options: Unpack[ConnectOptions]) -> None:
        self._runner = Runner()
        self._client = self._runner.run(_client(target, options))
        self.states = States(self._runner, self._client.states)

    def stream(self, model: str, **options: Unpack[StreamOptions]) -> Stream:
        """Takes what the asynchronous one takes."""
        return Stream(self._runner, self._client.stream(model, **options))

    def fleet(
        self, model: str, streams: int | Sequence[str], **options: Unpack[FleetOptions]
    ) -> Fleet:
        """Takes what the asynchronous one takes."""
        return Fleet(self._runner, self._client.fleet(model, streams, **options))

    def close(self) -> None:
        """Ends the connection; open streams are detached. Closing again does nothing."""
        with suppress(StreamClosed):
            self._runner.run(self._client.close())
        self._runner.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


async def _client(target: str, options: ConnectOptions) -> stepwire.client.Client:
    """On the loop that the channel is to live on."""
    return stepwire.client.connect(target, **options)


def connect(target: str, **options: Unpack[ConnectOptions]) -> Client:
    """As `stepwire.connect`, whose options it takes."""
    return Client(target, **options)
