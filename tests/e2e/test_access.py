"""What a credential opens, and what it does not."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import grpc
import pytest
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from service.access.credentials import Credential, hash_token, make_token
from service.access.tokens import entry
from stepwire.v1 import stream_pb2 as pb
from tests.e2e.conftest import Start
from tests.e2e.secured import (
    OWN_CONNECTION,
    SECONDS,
    bearer,
    calling,
    channel,
    code_of,
    ending_of_open,
    health,
    put_models,
)
from tests.e2e.wire import TOKEN, RawCall
from torture.processes import Server, running

UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED
ROBOT, TWIN, OTHER, LIMITED = (make_token() for _ in range(4))
WRONG = make_token()

Raw: TypeAlias = "grpc.StreamStreamMultiCallable[bytes, bytes]"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return put_models(tmp_path_factory.mktemp("repository"))


class File:
    """A file of credentials: two of one namespace, one of another, one of few models."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.hold(ROBOT, TWIN, OTHER, LIMITED)

    def hold(self, *tokens: str) -> None:
        credentials = {
            ROBOT: Credential("robot", hash_token(ROBOT), "plant", ("*",)),
            TWIN: Credential("twin", hash_token(TWIN), "plant", ("*",)),
            OTHER: Credential("other", hash_token(OTHER), "lab", ("*",)),
            LIMITED: Credential("limited", hash_token(LIMITED), "plant", ("acc*", "wide")),
        }
        self.put("".join(entry(credentials[token]) for token in tokens))

    def put(self, text: str) -> None:
        """At once, so that no half of it is read."""
        made = self.path.with_suffix(".new")
        made.write_text(text)
        made.chmod(0o600)
        made.replace(self.path)


@pytest.fixture
def file(tmp_path: Path) -> File:
    return File(tmp_path / "tokens.toml")


@pytest.fixture(scope="module")
def guarded(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose file stays as it is."""
    folder = tmp_path_factory.mktemp("guarded")
    flags = ("--tokens", str(File(folder / "tokens.toml").path))
    with running(repository, *flags, log=folder / "log") as server:
        yield server


async def refusal(call: RawCall) -> tuple[grpc.StatusCode, str, str]:
    async with asyncio.timeout(SECONDS):
        await call.rest()
        return await call.failure()


async def open_and_leave(
    server: Server,
    token: str,
    stream_id: str,
    model: str = "accumulator",
    mode: pb.OpenMode.ValueType = pb.OPEN_MODE_CREATE,
) -> tuple[grpc.StatusCode, str, str]:
    return await asyncio.to_thread(ending_of_open, server, token, stream_id, model, mode)


async def test_a_caller_with_a_credential_is_served(guarded: Server) -> None:
    async with calling(channel(guarded), ROBOT) as call:
        await call.open("good")
        assert await call.add(0, 1.0) == 1.0


@pytest.mark.parametrize(
    "token", [None, WRONG, hash_token(ROBOT).hex()], ids=["none", "wrong", "hash"]
)
async def test_others_learn_nothing(guarded: Server, token: str | None) -> None:
    async with calling(channel(guarded), token) as call:
        code, details, name = await refusal(call)  # before they have asked for anything
    assert (code, name) == (UNAUTHENTICATED, "UNAUTHENTICATED")
    assert "accumulator" not in details


@pytest.mark.parametrize(
    ("token", "seen"),
    [(None, False), (WRONG, False), (ROBOT, True)],
    ids=["none", "wrong", "right"],
)
def test_reflection_and_unknown_methods_need_a_credential(
    guarded: Server, token: str | None, seen: bool
) -> None:
    with grpc.insecure_channel(guarded.address, OWN_CONNECTION) as connected:
        reflect = reflection_pb2_grpc.ServerReflectionStub(connected).ServerReflectionInfo
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        reflected = reflect(iter([request]), timeout=SECONDS, metadata=bearer(token))
        unknown: Raw = connected.stream_stream("/no.Such/Method")
        called = unknown(iter([b""]), timeout=SECONDS, metadata=bearer(token))
        codes = [code_of(reflected), code_of(called)]
    served = [grpc.StatusCode.OK, grpc.StatusCode.UNIMPLEMENTED]
    assert codes == (served if seen else 2 * [UNAUTHENTICATED])


async def test_health_is_open_to_all(guarded: Server) -> None:
    assert await health(channel(guarded)) == (grpc.StatusCode.OK, "SERVING")


async def test_a_model_out_of_reach_is_one_that_does_not_exist(guarded: Server) -> None:
    answers = [
        await open_and_leave(guarded, LIMITED, "x", model)
        for model in ("mixer", "nonesuch", "accomplice")
    ]
    assert [code for code, _, _ in answers] == 3 * [grpc.StatusCode.NOT_FOUND]
    assert [details for _, details, _ in answers] == [
        f"there is no model {model!r}, only accumulator, wide"
        for model in ("mixer", "nonesuch", "accomplice")
    ]


async def test_a_stream_whose_model_is_out_of_reach_is_not_resumed(guarded: Server) -> None:
    async with calling(channel(guarded), ROBOT) as call:
        await call.open("of-mixer", model="mixer")
    for model, name in (("mixer", "MODEL_NOT_FOUND"), ("", "NOT_ALLOWED")):
        resumed = await open_and_leave(guarded, LIMITED, "of-mixer", model, pb.OPEN_MODE_RESUME)
        assert resumed[2] == name, resumed


async def test_streams_of_two_namespaces_never_meet(guarded: Server) -> None:
    async with (
        calling(channel(guarded), ROBOT) as ours,
        calling(channel(guarded), OTHER) as theirs,
    ):
        # The same id, model and stream token.
        await ours.open("same")
        assert await ours.add(0, 1.0) == 1.0
        assert (await theirs.open("same")).next_step == 0
        assert await theirs.add(0, 10.0) == 10.0
        assert [await ours.add(1, 1.0), await theirs.add(1, 10.0)] == [2.0, 20.0]
        await theirs.send(close=pb.Close())
        await theirs.rest()
        assert await ours.add(2, 1.0) == 3.0


async def test_callers_of_one_namespace_share_its_streams(guarded: Server) -> None:
    async with calling(channel(guarded), ROBOT) as call:
        await call.open("shared")
        await call.add(0, 1.0)
    async with calling(channel(guarded), TWIN) as call:
        assert (await call.open("shared", mode=pb.OPEN_MODE_RESUME)).next_step == 1


@pytest.mark.parametrize("mode", [pb.OPEN_MODE_RESUME, pb.OPEN_MODE_RECONNECT])
async def test_another_namespaces_stream_is_one_that_does_not_exist(
    guarded: Server, mode: pb.OpenMode.ValueType
) -> None:
    stream_id = f"there-{mode}"
    async with calling(channel(guarded), ROBOT) as call:
        await call.open(stream_id)
        living = await open_and_leave(guarded, OTHER, stream_id, mode=mode)
        missing = await open_and_leave(guarded, OTHER, f"gone-{mode}", mode=mode)
        assert living[2] == "STREAM_NOT_FOUND"
        assert living == (missing[0], missing[1].replace("gone", "there"), missing[2])
        assert await call.add(0, 1.0) == 1.0


async def test_a_removed_credential_ends_its_calls_and_opens_no_more(
    start: Start, file: File
) -> None:
    server = start("--tokens", str(file.path))
    async with (
        calling(channel(server), ROBOT) as removed,
        calling(channel(server), OTHER) as kept,
    ):
        await removed.open("of-robot")
        await kept.open("of-other")
        assert await removed.add(0, 1.0) == 1.0
        file.hold(TWIN, OTHER)
        assert (await refusal(removed))[0] is UNAUTHENTICATED
        assert await kept.add(0, 1.0) == 1.0
    assert (await open_and_leave(server, ROBOT, "new"))[0] is UNAUTHENTICATED
    async with calling(channel(server), TWIN) as call:  # the stream is the namespace's
        assert (await call.open("of-robot", mode=pb.OPEN_MODE_RESUME)).next_step == 1


async def test_a_broken_file_changes_nothing_and_is_told_once(start: Start, file: File) -> None:
    server = start("--tokens", str(file.path))
    async with calling(channel(server), ROBOT) as call:
        await call.open("kept")
        file.put(f'token = "{WRONG}"')
        async with asyncio.timeout(SECONDS):
            while "stays in force" not in server.log:
                await asyncio.sleep(0.05)
        assert await call.add(0, 1.0) == 1.0
    async with calling(channel(server), ROBOT) as call:
        await call.open("new")
    file.hold(OTHER)
    async with asyncio.timeout(SECONDS):
        while (await open_and_leave(server, ROBOT, "kept", mode=pb.OPEN_MODE_RESUME))[0] is not (
            UNAUTHENTICATED
        ):
            await asyncio.sleep(0.05)
    assert server.log.count("stays in force") == 1 and WRONG not in server.log


@pytest.mark.parametrize("store", ["sqlite", "redis"])
async def test_no_secret_is_logged_or_stored(
    start: Start, file: File, tmp_path: Path, store: str
) -> None:
    database, password = tmp_path / "streams.sqlite", make_token()
    # Nobody listens there, so that the log has much to say of it.
    where = f"sqlite:{database}" if store == "sqlite" else f"redis://:{password}@127.0.0.1:9/0"
    flags = ("--log-level", "debug", "--store", where)
    server = start("--tokens", str(file.path), *flags)
    await live_and_fail(server, file)
    server.terminate()
    assert server.wait() == 0
    log = server.log
    assert " DEBUG " in log and "stopped" in log
    shown = [str(TOKEN), repr(TOKEN), TOKEN.hex(), TOKEN.decode("latin-1")]
    secrets = [ROBOT, OTHER, WRONG, hash_token(ROBOT).hex(), password, *shown]
    assert not [secret for secret in secrets if secret in log]
    if store == "sqlite":
        kept = contents(tmp_path, "streams.sqlite*")
        assert b"logged" in kept
        assert not [secret for secret in (TOKEN, ROBOT.encode()) if secret in kept]


def contents(folder: Path, files: str) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob(files))


async def live_and_fail(server: Server, file: File) -> None:
    """What may make a server talk: streams, errors of each kind, garbage, a lost credential."""
    async with calling(channel(server), ROBOT) as call:
        # Without its store a server opens nothing, and ends the call.
        with contextlib.suppress(grpc.aio.AioRpcError):
            await call.send(open=pb.Open(model="accumulator", stream_id="logged", token=TOKEN))
            await call.send(step=pb.Step(step=0, inputs=[bytes(4)]))
            await call.send(step=pb.Step(step=9))
            await call.call.done_writing()
        await refusal(call)
    for token, mode in (
        (WRONG, pb.OPEN_MODE_CREATE),
        (OTHER, pb.OPEN_MODE_RESUME),
        (ROBOT, pb.OPEN_MODE_RECONNECT),
    ):
        await open_and_leave(server, token, "logged", model="nonesuch", mode=mode)
    await asyncio.to_thread(send_garbage, server)
    file.hold(OTHER)
    await open_and_leave(server, ROBOT, "logged")


def send_garbage(server: Server) -> None:
    with grpc.insecure_channel(server.address, OWN_CONNECTION) as connected:
        garbage: Raw = connected.stream_stream("/stepwire.v1.StreamInference/Stream")
        for more, code in (
            (("x", "y"), grpc.StatusCode.INVALID_ARGUMENT),
            (("x", "y" * 20_000), grpc.StatusCode.RESOURCE_EXHAUSTED),
        ):
            metadata = (*bearer(ROBOT), more)
            call = garbage(iter([b"\xff" + TOKEN]), timeout=SECONDS, metadata=metadata)
            assert code_of(call) is code
