"""Spans on their way out: one line of the log when nobody takes them, one when somebody does."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

log = logging.getLogger(__name__)

_PATH = "/v1/traces"
"""https://opentelemetry.io/docs/specs/otlp/#otlphttp-request"""


class Exporter(OTLPSpanExporter):
    def __init__(self, endpoint: str) -> None:
        """`endpoint`: a URL without the path of traces. Credentials and certificates are read from
        the environment variables of OpenTelemetry.
        """
        # It logs each try, and a header that it cannot read with the credential in it.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL + 1)
        url = endpoint.rstrip("/") + _PATH
        super().__init__(url)
        self._place = _place(url)
        self._taken = True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        taken = result is SpanExportResult.SUCCESS
        if taken is not self._taken:
            self._taken = taken
            self._tell()
        return result

    def _tell(self) -> None:
        if self._taken:
            log.warning("spans are sent to %s again", self._place)
        else:
            log.warning("spans are lost: %s does not take them", self._place)


def _place(url: str) -> str:
    """Without the credentials that a URL may hold."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
