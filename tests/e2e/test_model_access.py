"""Who may load and unload models, and what no name reaches."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.access.credentials import Credential, hash_token, make_token
from service.access.tokens import entry
from stepwire.v1 import repository_pb2 as pb
from stepwire.v1 import repository_pb2_grpc as pb_grpc
from tests import graphs
from tests.e2e.deployed import ACCUMULATOR, models, put_models, serving
from tests.e2e.secured import bearer
from torture.processes import Server

TOKENS = {name: make_token() for name in ("operator", "limited", "user")}


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Server]:
    file = tmp_path / "tokens.toml"
    credentials = (
        Credential("operator", hash_token(TOKENS["operator"]), "", ("*",), operator=True),
        Credential("limited", hash_token(TOKENS["limited"]), "", ("acc*",), operator=True),
        Credential("user", hash_token(TOKENS["user"]), "", ("*",)),
    )
    file.write_text("\n".join(map(entry, credentials)))
    file.chmod(0o600)
    with serving(put_models(tmp_path / "repository"), "--tokens", str(file)) as server:
        yield server


@pytest.mark.parametrize(
    ("caller", "model", "code"),
    [
        ("operator", "gru", None),
        ("operator", "nothing", grpc.StatusCode.NOT_FOUND),
        ("limited", "accumulator", None),
        ("limited", "gru", grpc.StatusCode.PERMISSION_DENIED),
        ("limited", "nothing", grpc.StatusCode.PERMISSION_DENIED),
        ("user", "gru", grpc.StatusCode.PERMISSION_DENIED),
        ("nobody", "gru", grpc.StatusCode.UNAUTHENTICATED),
    ],
)
async def test_only_operators_load_and_unload_and_only_what_they_cover(
    guarded: Server, caller: str, model: str, code: grpc.StatusCode | None
) -> None:
    metadata = bearer(TOKENS.get(caller))
    async with models(guarded.address) as stub:
        for call in (
            stub.Load(pb.LoadModelRequest(model=model), metadata=metadata),
            stub.Unload(pb.UnloadModelRequest(model=model), metadata=metadata),
        ):
            with contextlib.suppress(grpc.aio.AioRpcError):
                await call
            assert await call.code() is (code or grpc.StatusCode.OK)


async def test_only_covered_models_are_listed_and_described(guarded: Server) -> None:
    metadata = bearer(TOKENS["limited"])
    async with models(guarded.address) as stub:
        for request in (pb.ListModelsRequest(), pb.ListModelsRequest(model="gru")):
            answer = await stub.List(request, metadata=metadata)
            assert {each.model for each in answer.versions} <= {"accumulator"}
        await stub.Describe(pb.DescribeModelRequest(model="accumulator"), metadata=metadata)
        for model in ("gru", "nothing"):
            with pytest.raises(grpc.aio.AioRpcError, match=f"no model '{model}', only accumulator"):
                await stub.Describe(pb.DescribeModelRequest(model=model), metadata=metadata)


@pytest.fixture(scope="module")
def beside(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[pb_grpc.ModelRepositoryStub, str]]:
    """A server whose repository has a package beside it, which no name may reach, and where."""
    outside = tmp_path_factory.mktemp("outside")
    graphs.put(outside, "secret", ACCUMULATOR)
    graphs.put(outside / "repository", "accumulator", ACCUMULATOR)
    with serving(outside / "repository") as server:
        with grpc.insecure_channel(server.address) as channel:
            yield pb_grpc.ModelRepositoryStub(channel), str(outside / "secret")


@settings(deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
    | st.lists(st.sampled_from(["..", ".", "secret", "1", "", "/", "\0"])).map("/".join)
)
@example("../secret")
@example("accumulator/../../secret")
@example("/etc")
@example("accumulator\0")
@example("..\\secret")
@example("\N{FULLWIDTH FULL STOP}\N{FULLWIDTH FULL STOP}/secret")
def test_no_name_leads_out_of_the_repository(
    beside: tuple[pb_grpc.ModelRepositoryStub, str], name: str
) -> None:
    stub, absolute = beside
    for model in (name, absolute):
        for ask in orders(stub, model):
            assert refusal(ask) is grpc.StatusCode.NOT_FOUND
    (served,) = stub.List(pb.ListModelsRequest()).versions
    assert (served.model, served.state) == ("accumulator", pb.ModelVersion.STATE_SERVING)


def orders(stub: pb_grpc.ModelRepositoryStub, model: str) -> list[Callable[[], object]]:
    return [
        lambda: stub.Load(pb.LoadModelRequest(model=model, version=1)),
        lambda: stub.Load(pb.LoadModelRequest(model=model)),
        lambda: stub.Unload(pb.UnloadModelRequest(model=model)),
        lambda: stub.Describe(pb.DescribeModelRequest(model=model)),
    ]


def refusal(ask: Callable[[], object]) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as refused:
        ask()
    assert isinstance(refused.value, grpc.Call)
    return refused.value.code()
