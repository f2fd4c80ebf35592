"""`docker compose --profile cluster`: replicas behind HAProxy, with Redis behind them."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import stepwire
from tests.diaries import advanced, pauses
from tests.pages import Page
from tests.stack import Stack, stacked
from torture.diary import Diary, account
from torture.load import keep_stepping
from torture.witness import Witness

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

SERVICES = ("haproxy", "replica", "redis")
PAGE = Page("docs/deploy.md")
RESTART = PAGE.blocks("A cluster", "sh")[1].strip()
REPLICAS = 3
STREAMS = 24
PATIENCE = 120.0
"""Seconds that containers may take to be there again."""
METRICS = (
    "exec 3<>/dev/tcp/127.0.0.1/8080; "
    r"printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3; cat <&3"
)


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Witness:
    return Witness(tmp_path_factory.mktemp("witness") / "models")


@pytest.fixture(scope="module")
def stack(witness: Witness) -> Iterator[Stack]:
    settings = {"COMPOSE_PROFILES": "cluster", "STEPWIRE_REPOSITORY": str(witness.repository)}
    with stacked("replica", "redis", **settings) as built:
        built.shell(PAGE.blocks("A cluster", "sh")[0])
        until_up(built, REPLICAS)
        yield built


UP = r'^haproxy_server_status{proxy="replicas",server="(\w+)",state="UP"} 1$'
USED = r'^haproxy_server_sessions_total{proxy="replicas",server="(\w+)"} [1-9]'


def servers(stack: Stack, pattern: str) -> set[str]:
    """Those of HAProxy's servers that its metrics say this of."""
    return set(re.findall(pattern, stack.inside("haproxy", "bash", "-c", METRICS), re.MULTILINE))


def until_up(stack: Stack, count: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while len(servers(stack, UP)) != count:
        assert time.monotonic() < deadline, stack.compose("logs")
        time.sleep(0.2)


@asynccontextmanager
async def load(stack: Stack, witness: Witness) -> AsyncIterator[list[Diary]]:
    """Streams that step on meanwhile, and must not have lost a step in the end."""
    diaries = [Diary(number) for number in range(STREAMS)]
    over = asyncio.Event()
    async with (
        stepwire.connect(stack.cluster_address, coalesce=False, retry_for=PATIENCE) as apart,
        stepwire.connect(stack.cluster_address, retry_for=PATIENCE) as together,
        asyncio.TaskGroup() as tasks,
    ):
        for diary in diaries:
            # Those that share a call share a replica.
            client = apart if diary.number % 3 else together
            stream = client.stream("witness", stream_id=f"s{diary.number}", mode="restart")
            await stream.open()
            tasks.create_task(keep_stepping(stream, witness, diary, until=over, interval=0.02))
        yield diaries
        await advanced(diaries)
        over.set()
    account(witness, diaries).hold()


async def test_a_rolling_restart_under_load_loses_nothing(stack: Stack, witness: Witness) -> None:
    before = {one["Id"] for one in stack.containers("replica")}
    async with load(stack, witness) as diaries:
        assert len(await asyncio.to_thread(servers, stack, USED)) == REPLICAS
        said = await asyncio.to_thread(stack.run, RESTART)
    after = {one["Id"] for one in stack.containers("replica")}
    assert len(said.splitlines()) == len(after) == REPLICAS and not before & after
    print(f"\n{said}\nlongest pause of {STREAMS} streams: {pauses(diaries)}")


async def test_no_crash_of_a_part_or_of_all_loses_anything(stack: Stack, witness: Witness) -> None:
    replicas = [one["Id"] for one in stack.containers("replica")]
    (redis, haproxy) = (stack.inspect(service)["Id"] for service in ("redis", "haproxy"))
    async with load(stack, witness) as diaries:
        for crashed in ([replicas[0]], [redis], [haproxy], [*replicas, redis, haproxy]):
            await asyncio.to_thread(stack.run, "docker", "kill", *crashed)
            # Of the first two the streams know nothing but a pause.
            if len(crashed) == 1 and crashed != [haproxy]:
                await advanced(diaries)
            await asyncio.to_thread(stack.run, "docker", "start", *crashed)
            await advanced(diaries)
    print(f"\nlongest pause of {STREAMS} streams: {pauses(diaries)}")


def test_a_replica_that_does_not_get_ready_replaces_none(stack: Stack, tmp_path: Path) -> None:
    before = {one["Id"] for one in stack.containers("replica")}
    (tmp_path / "no_models").mkdir()
    broken = {"STEPWIRE_REPOSITORY": str(tmp_path / "no_models"), "STEPWIRE_PATIENCE": "3"}
    with pytest.raises(AssertionError, match="was not ready within 3 s: .*replica.* goes on"):
        stack.run("env", *(f"{name}={value}" for name, value in broken.items()), RESTART)
    assert {one["Id"] for one in stack.containers("replica")} == before


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_is_held_short(stack: Stack, service: str) -> None:
    for container in stack.containers(service):
        config, host = container["Config"], container["HostConfig"]
        assert config["User"] == "10001:10001" and config["Healthcheck"]
        assert host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"]
        assert host["SecurityOpt"] == ["no-new-privileges:true"]
        assert host["Memory"] and host["PidsLimit"]
        assert host["RestartPolicy"]["Name"] == "unless-stopped"


def test_only_the_balancer_can_be_reached_and_from_this_machine_only(stack: Stack) -> None:
    ports = {
        service: container["HostConfig"]["PortBindings"]
        for service in SERVICES
        for container in stack.containers(service)
    }
    published = [{"HostIp": "127.0.0.1", "HostPort": str(stack.cluster_port)}]
    assert ports == {"haproxy": {"50051/tcp": published}, "replica": {}, "redis": {}}
    assert stack.inside("haproxy", "bash", "-c", "getent hosts redis || echo unknown") == "unknown"
