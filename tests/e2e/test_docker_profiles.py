"""`docker compose --profile observe` and `load`, beside the one server and a cluster."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import stepwire.sync
from tests import alerts, grafana
from tests.browser import browsing
from tests.pages import Page
from tests.prometheus import Prometheus
from tests.promql import series_of
from tests.stack import Stack, stacked
from tests.triton_client import answers, measured, step
from torture.programs import free_ports
from torture.triton_client import TritonClient

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

PROFILES = "observe,cluster,gpu,load"
PAGE, DEPLOYING = Page("docs/observe.md"), Page("docs/deploy.md")
WITHOUT_GRAFANA = "stepwire prometheus replica"
"""Services for all of which an engine without a registry has an image."""
MODEL = "pendulum-gru"
STEPS = 37
REPLICAS = 2
PATIENCE = 60.0
"""Seconds."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    (port,) = free_ports(1)
    settings = {"COMPOSE_PROFILES": PROFILES, "STEPWIRE_PROMETHEUS_PORT": str(port)}
    with stacked("stepwire", "load", "prometheus", "replica", "redis", **settings) as built:
        up = PAGE.block("sh", containing="observe up --detach\n").strip()
        built.shell(f"{up} --scale replica={REPLICAS} {WITHOUT_GRAFANA}")
        yield built


@pytest.fixture(scope="module")
def prometheus(stack: Stack) -> Prometheus:
    """It has read a server on which a stream has stepped."""
    found = Prometheus(f"http://127.0.0.1:{stack.environment['STEPWIRE_PROMETHEUS_PORT']}")
    stack.await_ready()
    with (
        stepwire.sync.connect(stack.address) as client,
        client.stream(MODEL, stream_id="observed") as stream,
    ):
        for _ in range(STEPS):
            stream.step(np.zeros(2, np.float32))
    steps = f'stepwire_steps_total{{service="stepwire", model="{MODEL}"}}'
    # Once behind the steps; and twice, so that there are rates.
    found.await_samples(f"{steps} == {STEPS} and rate({steps}[1m])")
    return found


def as_the_page_asks(stack: Stack, prometheus: Prometheus, containing: str) -> list[dict[str, str]]:
    command = PAGE.block("sh", containing).replace("http://127.0.0.1:9090", prometheus.url)
    told = json.loads(stack.run("bash", "-c", command))
    assert told["status"] == "success"
    return [{**one["metric"], "value": one["value"][1]} for one in told["data"]["result"]]


def test_every_profile_is_one_that_compose_takes(stack: Stack) -> None:
    stack.compose("config", "--quiet")


def test_prometheus_has_the_steps_that_ran(stack: Stack, prometheus: Prometheus) -> None:
    found = as_the_page_asks(stack, prometheus, "sum by (model)")
    assert {"model": MODEL, "value": str(STEPS)} in found
    up = as_the_page_asks(stack, prometheus, "query=up")
    assert [one["value"] for one in up if one["service"] == "stepwire"] == ["1"]


def test_every_expression_of_the_dashboard_gives_what_there_is(prometheus: Prometheus) -> None:
    variables = {"$service": ".*", "$model": ".*", "$__rate_interval": "1m"}
    for expression in grafana.dashboard().expressions:
        asked = expression
        for variable, value in variables.items():
            asked = asked.replace(variable, value)
        # What has been read only once has no rate yet.
        until(partial(given_where_there, prometheus, asked, series_of(expression)), asked)


def given_where_there(prometheus: Prometheus, asked: str, names: Iterable[str]) -> bool:
    """Whether a question has an answer, or one of the series that it is about is not there."""
    there = all(prometheus.samples(name) for name in names)
    return bool(prometheus.samples(asked)) == there


def test_every_alert_is_judged_and_none_fires(prometheus: Prometheus) -> None:
    rules = judged(prometheus)
    assert [rule["name"] for rule in rules] == [alert.name for alert in alerts.alerts()]
    # One that fires while servers start goes out when they are up.
    until(lambda: all(map(is_quiet, judged(prometheus))), rules)


def is_quiet(rule: dict[str, str]) -> bool:
    return rule["health"] == "ok" and rule["state"] != "firing"


def judged(prometheus: Prometheus) -> list[dict[str, str]]:
    return [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]


def until(holds: Callable[[], bool], about: object) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, about
        time.sleep(0.2)


def test_an_alert_fires_when_it_should_and_only_then(stack: Stack) -> None:
    image = stack.inspect("prometheus")["Config"]["Image"]
    stack.run(
        *("docker", "run", "--rm", "--volume", f"{alerts.FOLDER}:/rules:ro"),
        *("--entrypoint", "promtool", image, "test", "rules", "/rules/alerts.test.yml"),
    )


def test_the_pages_check_of_a_change(stack: Stack) -> None:
    _, check = PAGE.block("sh", containing="promtool check").strip().splitlines()
    assert "SUCCESS" in stack.shell(check)


def test_prometheus_is_held_short_and_for_this_machine_only(stack: Stack) -> None:
    stack.await_healthy("prometheus")
    container = stack.inspect("prometheus")
    config, host = container["Config"], container["HostConfig"]
    assert config["User"] == "65534:65534"
    assert host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["Memory"] and host["PidsLimit"] and host["NanoCpus"]
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    (published,) = host["PortBindings"]["9090/tcp"]
    assert published["HostIp"] == "127.0.0.1"


def test_every_replica_is_read_beside_the_one_server(prometheus: Prometheus) -> None:
    found = prometheus.await_samples('up{service="replica"} == 1', count=REPLICAS)
    assert len({sample.labels["instance"] for sample in found}) == REPLICAS
    assert prometheus.samples('up{service="stepwire"} == 1')


def test_a_load_run_ends_by_itself_and_leaves_a_report(
    stack: Stack, prometheus: Prometheus
) -> None:
    load, report, _ = DEPLOYING.blocks("Under load", "sh")
    short = f"stepwire:50051 --model {MODEL} --streams 8 --duration 1 --report load.html"
    told = stack.shell(f"{load.strip()} {short}")
    assert "160 of 160 steps answered" in told
    page = stack.shell(report.replace("> load.html", ""))
    assert page.startswith("<!DOCTYPE html>") and page.endswith("</html>")
    steps = f'stepwire_steps_total{{service="stepwire", model="{MODEL}"}} > {STEPS + 160}'
    assert prometheus.await_samples(steps), "the ramp's too"


async def test_tritons_clients_step_sequences_that_the_live_page_shows(
    stack: Stack, triton: TritonClient
) -> None:
    wave = [np.array([np.sin(0.1 * t)], np.float32) for t in range(5)]
    steps = [step("sine-gru", "robot-7", start=t == 0, value=x) for t, x in enumerate(wave)]
    heard = await asyncio.to_thread(answers, triton, stack.address, ("sync", "stream"), steps)
    with stepwire.sync.connect(stack.address) as client, client.stream("sine-gru") as stream:
        expected = [np.asarray(stream.step(x)).tobytes().hex() for x in wave]
    assert [answer["outputs"]["next_value"] for answer in heard] == expected
    async with browsing() as tab:
        await tab.open(f"http://127.0.0.1:{stack.environment['STEPWIRE_HTTP_PORT']}/")
        await tab.until("document.querySelector('#streams tbody')?.innerText.includes('robot-7')")
        assert "sine-gru/string/robot-7" in await tab.text("#streams")
        assert tab.complaints == []


def test_perf_analyzer_runs_against_it(stack: Stack, triton: TritonClient, tmp_path: Path) -> None:
    where = ("-m", "sine-gru", "-u", stack.address, "-i", "grpc", "--streaming")
    load = ("--sequence-length", "20", "--concurrency-range", "4")
    assert measured(triton, tmp_path / "report.csv", *where, *load)["Inferences/Second"] > 0
