"""What Triton's client is told of the server and its models."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

import stepwire.sync
from service.access.credentials import Credential, hash_token, make_token
from service.access.tokens import entry
from tests import graphs
from tests.e2e.deployed import ACCUMULATOR, put_models, serving
from tests.triton_client import Call, refusals, told
from torture.processes import Server
from torture.triton_client import TritonClient

NOT_FOUND, INVALID = "StatusCode.NOT_FOUND", "StatusCode.INVALID_ARGUMENT"
TOKENS = {name: make_token() for name in ("operator", "user")}


@pytest.fixture(params=["sync", "aio"])
def kind(request: pytest.FixtureRequest) -> str:
    """Of the client."""
    return str(request.param)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    """Serves an accumulator and a GRU from a repository that tests may change."""
    with serving(put_models(tmp_path / "repository")) as server:
        yield server


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Server]:
    file = tmp_path / "tokens.toml"
    credentials = (
        Credential("operator", hash_token(TOKENS["operator"]), "", ("acc*",), operator=True),
        Credential("user", hash_token(TOKENS["user"]), "", ("acc*",)),
    )
    file.write_text("\n".join(map(entry, credentials)))
    file.chmod(0o600)
    with serving(put_models(tmp_path / "repository"), "--tokens", str(file)) as server:
        yield server


def model(name: str, version: str = "") -> dict[str, Any]:
    return {"model_name": name, "model_version": version}


def test_reflection_lists_the_service(server: Server) -> None:
    with grpc.insecure_channel(server.address) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        service = DescriptorPool(database).FindServiceByName("inference.GRPCInferenceService")
        assert "inference.GRPCInferenceService" in database.get_services()
        assert {"ModelInfer", "ModelStreamInfer"} <= set(service.methods_by_name)


def test_who_is_there_and_ready(triton: TritonClient, server: Server, kind: str) -> None:
    readiness: list[Call] = [
        ("is_model_ready", model(*named))
        for named in (("wide",), ("accumulator", "2"), ("accumulator", "3"), ("nothing",))
    ]
    calls: list[Call] = [
        ("is_server_live", {}),
        ("is_server_ready", {}),
        ("get_server_metadata", {}),
    ]
    live, ready, metadata, *models = told(triton, server.address, kind, [*calls, *readiness])
    assert (live, ready) == (True, True)
    assert metadata["name"] == "stepwire"
    assert {"sequence", "statistics"} <= set(metadata["extensions"])
    assert models == [True, True, False, False]


def test_metadata_and_configuration_agree(triton: TritonClient, server: Server, kind: str) -> None:
    calls = [
        ("get_model_metadata", model("mixer")),
        ("get_model_config", model("mixer")),
        ("get_model_metadata", model("accumulator")),
        ("get_model_metadata", model("accumulator", "1")),
    ]
    metadata, config, both, first = told(triton, server.address, kind, calls)
    config = config["config"]
    for ours, named in (("input", "inputs"), ("output", "outputs")):
        assert [(each["name"], ["-1", *each["dims"]]) for each in config[ours]] == [
            (each["name"], each["shape"]) for each in metadata[named]
        ]
    assert [each["name"] for each in metadata["inputs"]] == ["signal", "gate"]
    assert config["max_batch_size"] == 256
    assert [each["kind"] for each in config["instance_group"]] == ["KIND_CPU"]
    assert config["sequence_batching"]["max_sequence_idle_microseconds"] == "60000000"
    assert (both["versions"], first["versions"]) == (["1", "2"], ["1"])


def test_what_does_not_exist_is_named(triton: TritonClient, server: Server, kind: str) -> None:
    calls = [
        ("get_model_metadata", model("nothing")),
        ("get_model_config", model("accumulator", "7")),
        ("get_inference_statistics", model("nothing")),
        ("get_model_metadata", model("accumulator", "newest")),
        ("is_model_ready", model("accumulator", "newest")),
        ("load_model", {"model_name": "accumulator", "config": "{}"}),
        ("get_trace_settings", {}),
    ]
    found = refusals(triton, server.address, kind, calls)
    assert [status for status, _ in found] == [
        *(NOT_FOUND, NOT_FOUND, NOT_FOUND, INVALID, INVALID, INVALID),
        "StatusCode.UNIMPLEMENTED",
    ]
    assert found[0][1].startswith("there is no model 'nothing', only accumulator, ")
    assert found[1][1] == "model 'accumulator' has no version 7, only 1, 2"
    assert "parameter 'config' is not known here" in found[5][1]


def test_statistics_grow_with_every_step_of_whatever_client(
    triton: TritonClient, own: Server
) -> None:
    asked = [("get_inference_statistics", model("gru"))]
    began = time.time()

    def statistics() -> dict[str, Any]:
        ((found,),) = (answer["model_stats"] for answer in told(triton, own.address, "sync", asked))
        return dict(found)

    before = statistics()
    assert (before["name"], before["version"]) == ("gru", "1")
    assert "inference_count" not in before  # zero, as JSON leaves it out
    with stepwire.sync.connect(own.address) as client, client.stream("gru") as stream:
        for _ in range(7):
            stream.step(np.ones(4, np.float32))
    after = statistics()
    assert (after["inference_count"], after["execution_count"]) == ("7", "7")
    assert began * 1e3 - 1 <= int(after["last_inference"]) <= time.time() * 1e3 + 1
    times = after["inference_stats"]
    for part in ("success", "queue", "compute_infer", "compute_output"):
        assert times[part]["count"] == "7" and int(times[part]["ns"]) > 0, part
    assert after["batch_stats"] == [
        {
            "batch_size": "1",
            "compute_input": {"count": "7"},
            "compute_infer": times["compute_infer"],
            "compute_output": {"count": "7"},
        }
    ]


def test_models_come_and_go(triton: TritonClient, own: Server, tmp_path: Path, kind: str) -> None:
    def states() -> dict[tuple[str, str], str]:
        (index,) = told(triton, own.address, "aio", [("get_model_repository_index", {})])
        return {(each["name"], each["version"]): each["state"] for each in index["models"]}

    graphs.put(tmp_path / "repository", "accumulator", ACCUMULATOR, 2)
    before = {("accumulator", "1"): "READY", ("gru", "1"): "READY"}
    assert states() == before | {("accumulator", "2"): "UNAVAILABLE"}
    ready = ("is_model_ready", model("accumulator", "2"))
    outcomes = told(
        triton, own.address, "aio", [ready, ("load_model", {"model_name": "accumulator"}), ready]
    )
    assert outcomes == [False, None, True]
    assert states() == before | {("accumulator", "2"): "READY"}
    unload = ("unload_model", {"model_name": "accumulator"})
    assert told(triton, own.address, "aio", [unload, ready]) == [None, False]
    assert states() == dict.fromkeys(
        (("accumulator", "1"), ("accumulator", "2")), "UNAVAILABLE"
    ) | {("gru", "1"): "READY"}


def test_a_model_that_must_not_serve_says_why(
    triton: TritonClient, own: Server, tmp_path: Path
) -> None:
    broken = tmp_path / "repository" / "broken" / "1" / "model.onnx"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"no graph")
    load = ("load_model", {"model_name": "broken"})
    ((status, message),) = refusals(triton, own.address, "sync", [load])
    assert status == "StatusCode.FAILED_PRECONDITION"
    assert message.startswith("broken/1 must not serve: ")
    calls = [("get_model_repository_index", {}), ("is_model_ready", model("broken"))]
    index, ready = told(triton, own.address, "sync", calls)
    (entry_,) = (each for each in index["models"] if each["name"] == "broken")
    assert (entry_["state"], ready) == ("UNAVAILABLE", False)
    assert entry_["reason"] in message


def test_a_caller_sees_what_its_credential_covers(triton: TritonClient, guarded: Server) -> None:
    headers = {"headers": {"authorization": f"Bearer {TOKENS['user']}"}}
    calls: list[Call] = [
        ("get_model_repository_index", headers),
        ("get_inference_statistics", headers),
        ("is_model_ready", model("accumulator") | headers),
        ("is_model_ready", model("gru") | headers),
    ]
    index, statistics, covered, other = told(triton, guarded.address, "sync", calls)
    assert {each["name"] for each in index["models"]} == {"accumulator"}
    assert {each["name"] for each in statistics["model_stats"]} == {"accumulator"}
    assert (covered, other) == (True, False)
    asked = ("get_model_metadata", "get_model_config", "get_inference_statistics")
    calls = [(name, model("gru") | headers) for name in asked]
    missing = (NOT_FOUND, "there is no model 'gru', only accumulator")
    assert refusals(triton, guarded.address, "sync", calls) == [missing] * 3


def test_a_call_without_a_credential_is_turned_away(triton: TritonClient, guarded: Server) -> None:
    calls: list[Call] = [("get_server_metadata", {}), ("get_model_repository_index", {})]
    found = refusals(triton, guarded.address, "aio", calls)
    assert {status for status, _ in found} == {"StatusCode.UNAUTHENTICATED"}


def test_only_an_operator_loads_and_unloads(triton: TritonClient, guarded: Server) -> None:
    def orders(name: str, model_name: str) -> list[Call]:
        headers = {"authorization": f"Bearer {TOKENS[name]}"}
        given = {"model_name": model_name, "headers": headers}
        return [("unload_model", given), ("load_model", given)]

    for name, other in (("user", "accumulator"), ("operator", "gru")):
        found = refusals(triton, guarded.address, "sync", orders(name, other))
        assert {status for status, _ in found} == {"StatusCode.PERMISSION_DENIED"}
    allowed = orders("operator", "accumulator")
    assert told(triton, guarded.address, "sync", allowed) == [None, None]
