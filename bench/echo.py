"""The floor of the transport: a bare `grpc.aio` server that answers every message at once.

`python -m bench.echo BYTES` listens on a free port of the loopback and says which.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator

import grpc
import uvloop

SERVICE, METHOD = "bench.Echo", "Stream"
READY = "bench: listening on "


class Echo(grpc.GenericRpcHandler):
    """Answers each message of a call with one of `size` bytes, unparsed both ways."""

    def __init__(self, size: int) -> None:
        self._answer = bytes(size)

    def service(
        self, details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        if details.method != f"/{SERVICE}/{METHOD}":
            return None
        return grpc.stream_stream_rpc_method_handler(self._stream)

    # The type stubs know generators only; grpc.aio also takes a coroutine.
    async def _stream(
        self, _: Iterator[bytes], context: grpc.aio.ServicerContext[bytes, bytes]
    ) -> None:
        while isinstance(await context.read(), bytes):
            await context.write(self._answer)


async def serve(register: Callable[[grpc.aio.Server], object]) -> None:
    """Until SIGTERM, with gRPC's own settings."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = grpc.aio.server()
    register(server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"{READY}127.0.0.1:{port}", flush=True)
    await stop.wait()
    await server.stop(None)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        echo = Echo(int(sys.argv[1]))
        runner.run(serve(lambda server: server.add_generic_rpc_handlers((echo,))))
