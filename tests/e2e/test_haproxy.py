"""Three servers behind HAProxy, as deploy/haproxy.cfg has it: which of them gets a stream, and
what goes through.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import subprocess
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import grpc
import pytest
import yaml

import stepwire
from stepwire.v1 import stream_pb2 as pb
from stepwire.v1 import stream_pb2_grpc as pb_grpc
from tests import graphs
from tests.certificates import Authority
from tests.diaries import advanced, pauses
from tests.e2e.wire import TOKEN, RawCall
from tests.pages import ROOT, Page
from tests.redis_server import redis_running
from torture.balancer import CONFIGURATION, Backend, Balancer, balanced, installed
from torture.diary import Diary, account
from torture.load import keep_stepping
from torture.programs import NotInstalled
from torture.replicas import Cluster, clustered
from torture.scrape import Metrics
from torture.witness import Witness

PROMETHEUS = ROOT / "deploy" / "prometheus" / "prometheus.yml"
SOON = 30.0
"""Seconds that anything here may take that is to happen at all."""
ROBOTS = [f"robot-{number}" for number in range(30)]


@pytest.fixture(scope="module", autouse=True)
def haproxy() -> str:
    try:
        return installed()
    except NotInstalled as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repository")
    graphs.put(root, "accumulator", graphs.accumulator_package())
    graphs.put(root, "wide", graphs.package(*graphs.wide()))
    return root


@pytest.fixture(scope="module")
def cluster(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """With states in memory, so that only the server that has a stream knows it."""
    folder = tmp_path_factory.mktemp("cluster")
    with clustered(models, "--keepalive", "1", folder=folder) as shared:
        yield shared


@pytest.fixture
def doomed(models: Path, tmp_path: Path) -> Iterator[Cluster]:
    """As `cluster`, for a test that does harm."""
    with clustered(models, folder=tmp_path) as own:
        yield own


@contextlib.asynccontextmanager
async def calls_to(
    address: str, *routes: str, options: Sequence[tuple[str, int]] = ()
) -> AsyncIterator[list[RawCall]]:
    """Calls that share a connection of their own, each with its route."""
    options = (*options, ("grpc.use_local_subchannel_pool", 1))
    async with grpc.aio.insecure_channel(address, options) as channel:
        stub: pb_grpc.StreamInferenceAsyncStub = pb_grpc.StreamInferenceStub(channel)
        calls = [stub.Stream(metadata=(("stepwire-route", route),)) for route in routes]
        yield [RawCall(call) for call in calls]
        for call in calls:
            call.cancel()


async def open_all(address: str, streams: Sequence[str]) -> None:
    """Opens each of them, and leaves it detached."""
    async with calls_to(address, *streams) as calls:
        for call, stream in zip(calls, streams, strict=True):
            await call.open(stream)


async def known(address: str, streams: Sequence[str]) -> set[str]:
    """Those that are known to whoever is asked there."""
    async with calls_to(address, *streams) as calls:
        pairs = zip(calls, streams, strict=True)
        return {stream for call, stream in pairs if await resumes(call, stream)}


async def resumes(call: RawCall, stream: str) -> bool:
    await call.send(open=pb.Open(stream_id=stream, mode=pb.OPEN_MODE_RESUME, token=TOKEN))
    with contextlib.suppress(grpc.aio.AioRpcError):
        if isinstance(await call.call.read(), pb.StreamResponse):
            return True
    assert (await call.failure())[2] == "STREAM_NOT_FOUND"
    return False


async def until_said(balancer: Balancer, pattern: str) -> None:
    async with asyncio.timeout(SOON):
        while not re.search(pattern, balancer.log):
            await asyncio.sleep(0.02)


def test_the_configuration_is_valid_as_it_is(haproxy: str) -> None:
    command = [haproxy, "-c", "-f", str(CONFIGURATION)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "Configuration file is valid\n")


def test_no_call_is_cut_for_its_silence_within_a_day() -> None:
    hours = re.findall(r"timeout (?:client|server|tunnel) (\d+)h", CONFIGURATION.read_text())
    assert len(hours) == 3 and all(int(each) > 24 for each in hours)


async def test_a_stream_finds_its_server_again_and_all_servers_get_some(cluster: Cluster) -> None:
    await open_all(cluster.address, ROBOTS)
    assert await known(cluster.address, ROBOTS) == set(ROBOTS)
    homes = [await known(replica.address, ROBOTS) for replica in cluster.replicas]
    assert all(homes) and sum(map(len, homes)) == len(ROBOTS)


async def test_a_server_that_dies_moves_its_own_streams_only(doomed: Cluster) -> None:
    await open_all(doomed.address, ROBOTS)
    first, *others = doomed.replicas
    moved = await known(first.address, ROBOTS)
    first.server.kill()
    # Calls made at once are tried again elsewhere; those made later do not meet it any more.
    assert await known(doomed.address, ROBOTS) == set(ROBOTS) - moved
    await until_said(doomed.balancer, "replica1 is DOWN")
    assert await known(doomed.address, ROBOTS) == set(ROBOTS) - moved
    await open_all(doomed.address, sorted(moved))
    homes = [moved & await known(other.address, ROBOTS) for other in others]
    assert set.union(*homes) == moved


async def test_steps_and_answers_take_turns(cluster: Cluster) -> None:
    async with calls_to(cluster.address, "robot") as (call,):
        await call.open("turns")
        for step in range(50):
            assert await call.add(step, 1.0) == step + 1


async def test_a_connection_carries_many_calls_at_a_time(cluster: Cluster) -> None:
    streams = [f"many-{number}" for number in range(300)]
    async with calls_to(cluster.address, *streams) as calls, asyncio.timeout(SOON):
        for call, stream in zip(calls, streams, strict=True):
            await call.open(stream)
        assert [await call.add(0, 1.0) for call in calls] == [1.0] * len(calls)


async def test_a_silent_call_outlives_the_probes_of_both_sides(cluster: Cluster) -> None:
    probing = (("grpc.keepalive_time_ms", 1000), ("grpc.http2.max_pings_without_data", 0))
    async with calls_to(cluster.address, "silent", options=probing) as (call,):
        await call.open("silent")
        assert not (await asyncio.wait([asyncio.ensure_future(call.call.code())], timeout=3))[0]
        assert await call.add(0, 1.0) == 1.0


async def test_a_client_that_reads_nothing_holds_up_no_other(cluster: Cluster) -> None:
    async with calls_to(cluster.address, "shared") as (deaf,):
        await deaf.open("deaf", model="wide")
        _, writing = await deaf.flood(bytes(4 * 2**14))
        # Each of HAProxy's threads has connections of its own: so many that one is beside it.
        for number in range(8):
            async with calls_to(cluster.address, "shared") as (call,), asyncio.timeout(SOON):
                await call.open(f"beside-{number}")
                assert [await call.add(step, 1.0) for step in range(5)][-1] == 5.0
    with contextlib.suppress(grpc.aio.AioRpcError, asyncio.CancelledError):
        await writing


async def test_a_server_that_is_not_ready_keeps_its_calls_and_gets_no_others(
    cluster: Cluster, tmp_path: Path
) -> None:
    ready = True

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 %s\r\n\r\n" % (b"200 OK" if ready else b"404 Draining"))
        await writer.drain()
        writer.close()

    replica, *others = cluster.replicas
    async with await asyncio.start_server(answer, "127.0.0.1") as http:
        told = Backend(replica.backend.port, http.sockets[0].getsockname()[1])
        backends = [told, *(other.backend for other in others)]
        with balanced(backends, tmp_path) as balancer:
            streams = [f"drained-{number}" for number in range(30)]
            async with calls_to(balancer.address, *streams) as calls:
                for call, stream in zip(calls, streams, strict=True):
                    await call.open(stream)
                ready = False
                await until_said(balancer, "replica1 is stopping")
                assert [await call.add(0, 1.0) for call in calls] == [1.0] * len(calls)
            kept = await known(replica.address, streams)
            assert kept and await known(balancer.address, streams) == set(streams) - kept


def test_prometheus_can_ask_how_many_replicas_are_up(cluster: Cluster) -> None:
    jobs = yaml.safe_load(PROMETHEUS.read_text())["scrape_configs"]
    (haproxy,) = [job for job in jobs if job["job_name"] == "haproxy"]
    place = f"127.0.0.1:{cluster.balancer.operations_port}/metrics"
    query = urllib.parse.urlencode(haproxy["params"], doseq=True)
    with urllib.request.urlopen(f"http://{place}?{query}", timeout=SOON) as answer:
        told = Metrics(answer.read().decode())
    asked = Page("docs/observe.md").block("sh", "query=haproxy_").rstrip()
    assert asked.endswith("""query=haproxy_backend_active_servers{proxy="replicas"}'""")
    assert told.total("haproxy_backend_active_servers", proxy="replicas") == 3


async def test_errors_keep_their_names(cluster: Cluster) -> None:
    async with stepwire.connect(cluster.address) as client:
        with pytest.raises(stepwire.ModelNotFound):
            await client.stream("nothing").open()
        stream = client.stream("accumulator", stream_id="mine")
        await stream.open()
        with pytest.raises(stepwire.StreamExists):
            await client.stream("accumulator", stream_id="mine").open()
        other = client.stream("accumulator", stream_id="mine", mode="resume", token=stream.token)
        await other.open()
        with pytest.raises(stepwire.StreamTakenOver):
            while True:
                await stream.step([1.0])


async def test_clients_of_a_balancer_with_a_certificate(cluster: Cluster, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    certificate, key = authority.issue("localhost")
    both = tmp_path / "server.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    [bind] = Page("docs/deploy.md").blocks("Beyond this machine", "")
    bind = bind.strip().replace("/usr/local/etc/haproxy/server.pem", str(both))
    backends = [replica.backend for replica in cluster.replicas]
    with balanced(backends, tmp_path, bind) as balancer:
        async with (
            stepwire.connect(f"localhost:{balancer.port}", ca=authority.certificate) as client,
            client.stream("accumulator") as stream,
        ):
            assert [float((await stream.step([1.0]))[0]) for _ in range(3)] == [1.0, 2.0, 3.0]


@pytest.mark.timeout(600)
async def test_restarts_a_crash_and_a_hang_lose_nothing(tmp_path: Path) -> None:
    witness = Witness(tmp_path / "models")
    diaries = [Diary(number) for number in range(24)]
    with (
        redis_running(tmp_path) as redis,
        clustered(witness.repository, "--store", redis.url, folder=tmp_path) as cluster,
    ):
        over = asyncio.Event()
        async with (
            stepwire.connect(cluster.address, coalesce=False) as apart,
            stepwire.connect(cluster.address) as together,
            asyncio.TaskGroup() as tasks,
        ):
            for diary in diaries:
                client = apart if diary.number % 3 else together
                stream = client.stream("witness", stream_id=f"s{diary.number}")
                await stream.open()
                stepping = keep_stepping(stream, witness, diary, until=over, interval=0.02)
                tasks.create_task(stepping)
            for replica in cluster.replicas:
                await advanced(diaries)
                assert await asyncio.to_thread(replica.leave) == 0
                await advanced(diaries)
                await asyncio.to_thread(replica.come_back)
            await advanced(diaries)
            restarted = pauses(diaries)
            crashed, hanging, _ = cluster.replicas
            crashed.server.kill()
            await advanced(diaries)
            await asyncio.to_thread(crashed.come_back)
            hanging.server.process.send_signal(signal.SIGSTOP)
            await advanced(diaries)
            hanging.server.process.send_signal(signal.SIGCONT)
            await advanced(diaries)
            over.set()
    account(witness, diaries).hold()
    print(f"longest pause of a stream by restarts: {restarted}; by all: {pauses(diaries)}")
