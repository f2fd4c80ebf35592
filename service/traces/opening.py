"""How tracing comes to be on: OpenTelemetry is imported here or not at all."""

from __future__ import annotations

from service.traces.spans import Tracer


class TracesUnavailable(RuntimeError):
    """Traces cannot be sent; the message says why and what to do."""


def open_tracer(endpoint: str, share: float) -> Tracer:
    """Sends spans to an OTLP endpoint over HTTP. `share`: of the calls that no client decides on.

    Raises TracesUnavailable.
    """
    try:
        from service.traces.exporter import Exporter
        from service.traces.tracer import OpenTelemetry
    except ModuleNotFoundError as error:
        raise TracesUnavailable(
            f"{error.name} is missing: install it with `pip install 'stepwire[trace]'`"
        ) from error
    try:
        return OpenTelemetry(Exporter(endpoint), share)
    except ValueError as error:
        raise TracesUnavailable(f"OpenTelemetry does not take its settings: {error}") from error
