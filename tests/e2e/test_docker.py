"""The image and the one server, as `docker compose up` has them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import pytest

import stepwire
from tests.pages import Page
from tests.stack import Stack, stacked

# The first build fetches the base image and what the service needs.
pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

PAGE = Page("docs/deploy.md")
SERVICE = "stepwire"
X = np.zeros(2, np.float32)


@pytest.fixture(scope="module")
def built() -> Iterator[Stack]:
    with stacked(SERVICE) as stack:
        yield stack


@pytest.fixture
def stack(built: Stack) -> Stack:
    """Up and ready, whatever the test before has done to it."""
    built.shell(PAGE.blocks("One server", "sh")[0])
    built.await_ready()
    return built


async def test_a_stream_from_the_host(stack: Stack) -> None:
    async with (
        stepwire.connect(stack.address) as client,
        client.stream("pendulum-gru", stream_id="host") as stream,
    ):
        outputs = [np.asarray(await stream.step(X)) for _ in range(20)]
        assert stream.next_step == 20
    assert all(np.isfinite(output).all() for output in outputs)


def test_the_ports_are_for_this_machine_only(stack: Stack) -> None:
    assert stack.compose("port", SERVICE, "50051") == stack.address
    assert stack.compose("port", SERVICE, "8080") == f"127.0.0.1:{stack.http_port}"


def test_health_and_metrics_on_the_host(stack: Stack) -> None:
    stack.await_healthy(SERVICE)
    assert stack.asked("/healthz") == "ok\n"
    ready = json.loads(stack.asked("/readyz"))
    assert ready["ready"] and ready["store"]["state"] == "ok"
    assert "\nstepwire_info{" in stack.asked("/metrics")


def test_the_live_page_on_the_host(stack: Stack) -> None:
    page = stack.asked("/")
    assert page.startswith("<!DOCTYPE html>")
    for place in re.findall(r'(?:src|href)="(/?console/[^"]+)"', page):
        assert stack.asked(f"/{place.lstrip('/')}"), place
    assert "pendulum-gru" in stack.asked("/console/data")


def test_it_runs_as_nobody_special(stack: Stack) -> None:
    host = stack.inspect(SERVICE)["HostConfig"]
    assert stack.inside(SERVICE, "id", "-u") == "10001"
    assert host["CapDrop"] == ["ALL"] and host["SecurityOpt"] == ["no-new-privileges:true"]
    written = stack.inside(
        SERVICE,
        *(
            "sh",
            "-c",
            "for f in /srv/models /tmp /var/lib/stepwire; do touch $f/x && echo $f; done",
        ),
    )
    assert written == "/var/lib/stepwire"


def test_the_image_holds_what_serving_needs_and_no_more(stack: Stack) -> None:
    packages = ("service", "torch", "onnx", "models", "export", "pytest")
    compilers = ("cc", "gcc", "g++", "c++", "clang", "tcc", "ld", "make")
    found = stack.inside(
        SERVICE,
        "python",
        "-c",
        "from importlib.util import find_spec; from shutil import which; "
        f"print(*filter(find_spec, {packages}), *filter(which, {compilers}))",
    )
    assert found == "service"


async def test_a_stream_outlives_a_crash_and_the_container(stack: Stack) -> None:
    outputs = []
    async with stepwire.connect(stack.address, retry_for=120) as client:
        async with client.stream("pendulum-gru", stream_id="kept") as stream:
            outputs += [np.asarray(await stream.step(X)) for _ in range(10)]
            crash = PAGE.block("sh", containing="--signal KILL")
            await asyncio.to_thread(stack.shell, crash)
            outputs += [np.asarray(await stream.step(X)) for _ in range(10)]
            workers = PAGE.block("sh", containing="STEPWIRE_WORKERS=2")
            await asyncio.to_thread(stack.shell, workers)
            outputs += [np.asarray(await stream.step(X)) for _ in range(10)]
        async with client.stream("pendulum-gru", stream_id="undisturbed") as other:
            undisturbed = [np.asarray(await other.step(X)) for _ in range(30)]
    np.testing.assert_array_equal(outputs, undisturbed)
    await asyncio.to_thread(stack.await_ready)
    assert len(json.loads(stack.asked("/readyz"))["workers"]) == 2


async def test_sigterm_drains_and_ends_with_0(stack: Stack) -> None:
    async with stepwire.connect(stack.address) as client:
        stream = client.stream("pendulum-gru", stream_id="drained")
        await stream.open()
        await stream.step(X)
        await asyncio.to_thread(stack.compose, "stop")
        await stream.detach()
    state = stack.inspect(SERVICE)["State"]
    assert not state["Running"] and state["ExitCode"] == 0
    log = stack.compose("logs", "--no-color")
    began, ended = (told_at(log, told) for told in ("draining for at most 10 s", "stopped"))
    assert ended - began < timedelta(seconds=10), "an open stream without steps holds nothing up"


def told_at(log: str, event: str) -> datetime:
    """When, by the service's own clock."""
    (time,) = re.findall(rf"([\d-]+ [\d:,]+) INFO service\.app: {event}$", log, re.MULTILINE)
    return datetime.strptime(time, "%Y-%m-%d %H:%M:%S,%f")
