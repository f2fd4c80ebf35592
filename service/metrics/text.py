"""Metrics as the text that Prometheus reads, and back."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.exposition import choose_encoder, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector


class _Collected(Collector):
    """Metrics that are there already, as an encoder takes them."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def written(families: Iterable[Metric]) -> str:
    return generate_latest(_Collected(families)).decode()


def read(text: str) -> list[Metric]:
    return list(text_string_to_metric_families(text))


def negotiated(families: Iterable[Metric], accept: str) -> tuple[bytes, str]:
    """In the format that an `Accept` header asks for, with its content type."""
    encode, content_type = choose_encoder(accept)
    return encode(_Collected(families)), content_type
