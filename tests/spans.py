"""Who takes the spans of a server: an OTLP endpoint over HTTP in this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

PATIENCE = 20.0
"""Seconds."""


class Receiver:
    """Listens on a free port of loopback; ended by `with`."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.resources: list[dict[str, str | int | float]] = []
        self.headers: list[dict[str, str]] = []
        """Of the requests, by names in lower case."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                taken = self.path == "/v1/traces"
                if taken:
                    headers = {name.lower(): value for name, value in self.headers.items()}
                    receiver.take(ExportTraceServiceRequest.FromString(body), headers)
                self.send_response(200 if taken else 404)
                self.send_header("Content-Type", "application/x-protobuf")
                self.end_headers()
                self.wfile.write(ExportTraceServiceResponse().SerializeToString())

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def take(self, request: ExportTraceServiceRequest, headers: dict[str, str]) -> None:
        self.headers.append(headers)
        for of in request.resource_spans:
            self.resources.append(attributes(of.resource.attributes))
            for scope in of.scope_spans:
                self.spans += scope.spans

    def await_spans(self, wanted: Callable[[Span], bool], count: int) -> list[Span]:
        """So many that are wanted, once they are here."""
        deadline = time.monotonic() + PATIENCE
        while len(found := list(filter(wanted, self.spans))) < count:
            assert time.monotonic() < deadline, (found, self.spans)
            time.sleep(0.01)
        return found

    def trace(self, trace_id: str, count: int) -> list[Span]:
        """The spans of a trace, once so many are here; those of a call come last."""
        found = self.await_spans(lambda span: span.trace_id.hex() == trace_id, count)
        return sorted(found, key=lambda span: span.kind == Span.SPAN_KIND_SERVER)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def attributes(given: Iterable[KeyValue]) -> dict[str, str | int | float]:
    """By name."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value") or "") for each in given}
