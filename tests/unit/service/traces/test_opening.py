from __future__ import annotations

import subprocess
import sys

import pytest

from service.app import load_tracer
from service.settings import load
from service.startup import StartError

ON = {"otlp_endpoint": "http://localhost:4318"}


def test_without_an_endpoint_no_call_is_traced() -> None:
    assert load_tracer(load({})) is None


def test_without_an_endpoint_opentelemetry_is_not_imported() -> None:
    found = "any(name.startswith('opentelemetry') for name in sys.modules)"
    script = f"import sys, service.command, stepwire.sync; print({found})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_a_missing_package_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("service.traces.exporter", "service.traces.tracer"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(StartError, match=r"otlp_endpoint: opentelemetry.* 'stepwire\[trace\]'"):
        load_tracer(load(ON))


def test_what_opentelemetry_does_not_take_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "-1")
    with pytest.raises(StartError, match=r"otlp_endpoint: .* max_queue_size must be a positive"):
        load_tracer(load(ON))
