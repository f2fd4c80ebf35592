"""A recorder between clients and their server, from its first call to its last byte."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

import grpc

from loadtest import wording
from loadtest.live import Live
from loadtest.load import Target
from loadtest.recording.forwarder import Forwarder
from loadtest.recording.register import Register
from loadtest.recording.tape import Tape
from stepwire.channel import is_loopback, open_channel

_FLUSH = 0.25
"""Seconds that a crash of this process may cost."""
_ANY = -1
"""Bytes of a message: the server has its own limit."""
_OPTIONS = (
    ("grpc.max_receive_message_length", _ANY),
    ("grpc.max_send_message_length", _ANY),
    # Clients probe, this project's every 10 s; gRPC would take that for abuse.
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 1_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # Two recorders on one port would share its connections at random.
    ("grpc.so_reuseport", 0),
)


class CannotListen(OSError):
    """The address cannot be had."""


@dataclass(frozen=True)
class Recorder:
    listen: str
    """HOST:PORT."""
    credentials: grpc.ServerCredentials | None
    """None: clients come unencrypted."""
    server: Target
    tape: Tape
    live: Live

    async def run(self, began: Callable[[str], None]) -> None:
        """Until an interrupt. `began`: is told the address. Raises CannotListen."""
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        zero = time.monotonic_ns()

        def now_us() -> int:
            return (time.monotonic_ns() - zero) // 1000

        register = Register(self.tape.write)
        security = self.server.security
        async with open_channel(self.server.address, security, _ANY) as channel:
            safe = security.encrypted or is_loopback(self.server.address)
            forwarder = Forwarder(
                channel,
                register,
                now_us,
                credentials_pass=safe or security.plaintext_credential,
            )
            front = grpc.aio.server(options=_OPTIONS)
            front.add_generic_rpc_handlers([forwarder])
            host = self.listen.rpartition(":")[0]
            port = self._listening(front)
            await front.start()
            began(f"{host}:{port}")
            try:
                await self._until(stop, register, now_us)
            finally:
                await front.stop(None)
                await forwarder.settled()
                self.tape.end(now_us(), forwarder.unrecorded)
                self.live.clear()

    async def _until(
        self, stop: asyncio.Event, register: Register, now_us: Callable[[], int]
    ) -> None:
        while not stop.is_set():
            self.tape.flush()
            self.live.show(line(self.tape, register.on_calls, now_us() / 1e6))
            try:
                async with asyncio.timeout(_FLUSH):
                    await stop.wait()
            except TimeoutError:
                continue

    def _listening(self, front: grpc.aio.Server) -> int:
        try:
            if self.credentials is None:
                return front.add_insecure_port(self.listen)
            return front.add_secure_port(self.listen, self.credentials)
        except RuntimeError as error:
            raise CannotListen(
                f"cannot listen on {self.listen}: another program may have it; choose another "
                "address"
            ) from error


def line(tape: Tape, streams: int, seconds: float) -> str:
    if tape.failure is not None:
        return f"NOT recording any more: {tape.failure}; calls still pass"
    counts = (wording.counted(streams, "stream"), wording.counted(tape.counts["step"], "step"))
    return ", ".join([wording.clock(seconds), *counts, wording.size(tape.bytes)])
