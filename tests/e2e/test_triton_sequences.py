"""Sequences of Triton's client: streams by another name."""

from __future__ import annotations

import struct
from pathlib import Path

import grpc
import numpy as np
import pytest

import stepwire.sync
from stepwire.inference import inference_pb2 as pb
from stepwire.inference import inference_pb2_grpc as pb_grpc
from tests import graphs
from tests.e2e.adding import add, told, total, totals
from tests.e2e.deployed import ACCUMULATOR, serving
from tests.networks import FEATURES
from tests.networks import signal as noise
from tests.triton_client import WAYS, Way, answers, step
from torture.processes import Server
from torture.triton_client import TritonClient

NOT_FOUND = "StatusCode.NOT_FOUND"
STEPS = 25
SLOW = 60
"""Steps that take longer than to send them, also where the client waits for a processor."""


@pytest.fixture(params=WAYS, ids="-".join)
def way(request: pytest.FixtureRequest) -> Way:
    """Of calling the server."""
    found: Way = request.param
    return found


def test_a_sequence_gives_what_a_stream_gives_to_the_last_bit(
    triton: TritonClient, server: Server, way: Way
) -> None:
    """Two that are interleaved, one known by a number and one by a name."""
    signals = noise(2, STEPS)
    names: tuple[int | str, ...] = (41, "robot-41")
    steps = [
        step(
            "gru",
            names[row],
            id_=f"{row}:{number}",
            start=number == 0,
            end=number == STEPS - 1,
            x=signals[row, number],
        )
        for number in range(STEPS)
        for row in range(2)
    ]
    found = {each["id"]: each["outputs"] for each in answers(triton, server.address, way, steps)}
    with stepwire.sync.connect(server.address) as client:
        for row in range(2):
            with client.stream("gru") as stream:
                for number in range(STEPS):
                    expected = np.asarray(stream.step(signals[row, number]))
                    assert found[f"{row}:{number}"] == {"y": expected.tobytes().hex()}


def test_start_and_end_bound_a_sequence(triton: TritonClient, server: Server, way: Way) -> None:
    found = totals(
        triton,
        server,
        way,
        *(add(7, 1, start=True), add(7, 2), add(7, 3)),
        *(add(7, 10, start=True), add(7, 10)),  # restarts it
        *(add(7, 10, end=True), add(7, 10)),  # which ends it
        add(7, 5, start=True, end=True),
        *(add(7, 5), add(7, 1, start=True), add(7, 1, end=True)),
    )
    assert found[:6] == [1, 3, 6, 10, 20, 30]
    assert found[7] == 5
    for refused in (found[6], found[8]):
        assert "sequence_start" in str(refused)
    assert found[9:] == [1, 2]


def test_a_step_without_a_start_is_refused(triton: TritonClient, server: Server, way: Way) -> None:
    (found,) = answers(triton, server.address, way, [add("never started", 1)])
    assert "sequence_start" in found["error"]
    assert found["status"] == (NOT_FOUND if "unary" in way else None)


def test_a_number_and_a_name_and_another_model_are_other_sequences(
    triton: TritonClient, server: Server
) -> None:
    ones = np.ones(2**14, np.float32)
    found = answers(
        triton,
        server.address,
        ("sync", "stream"),
        [
            add(5, 1, start=True),
            add("5", 10, start=True),
            step("wide", 5, x=ones, start=True),
            *(add(5, 1, end=True), add("5", 10, end=True)),
            step("wide", 5, x=ones, end=True),
        ],
    )
    wide = [each for each in found if len(each["outputs"]["total"]) > 8]
    assert told(each for each in found if each not in wide) == [1, 10, 2, 20]
    twos = (2 * ones).tobytes().hex()
    assert [each["outputs"]["total"] for each in wide] == [ones.tobytes().hex(), twos]


def test_a_native_stream_of_the_same_name_is_another_one(
    triton: TritonClient, server: Server
) -> None:
    one = np.ones(1, np.float32)
    with stepwire.sync.connect(server.address) as client:
        with client.stream("accumulator", stream_id="shared") as stream:
            stream.step(one)
            found = totals(
                triton, server, ("sync", "unary"), add("shared", 1), add("shared", 5, start=True)
            )
            assert "sequence_start" in found[0] and found[1] == 5
            assert float(np.asarray(stream.step(one))[0]) == 2
    assert totals(triton, server, ("sync", "unary"), add("shared", 5, end=True)) == [10]


def test_a_numbered_step_that_comes_again_is_not_run_again(
    triton: TritonClient, server: Server, way: Way
) -> None:
    found = totals(
        triton,
        server,
        way,
        add("counted", 1, start=True, number=0),
        *(add("counted", 2, number=1), add("counted", 2, number=1)),
        add("counted", 9, number=1),  # another one under its number
        add("counted", 9, number=5),  # a gap
        *(add("counted", 4, number=2), add("counted", 1, number=3, end=True)),
        add("counted", 1, number=3, end=True),
    )
    assert found[:3] == [1, 3, 3]
    assert "step 1" in str(found[3]) and "5" in str(found[4])
    assert found[5:] == [7, 8, 8]


def test_an_error_ends_its_step_and_not_the_call(
    triton: TritonClient, server: Server, way: Way
) -> None:
    steps = [
        add("going on", 1, id_="a", start=True),
        add("going on", float("nan"), id_="b"),
        step("accumulator", "going on", id_="c", x=np.ones(2, np.float32)),
        step("accumulator", "going on", id_="d", x=np.ones(1, np.float64)),
        step("accumulator", "going on", id_="e", y=np.ones(1, np.float32)),
        step("nothing", "going on", id_="f", x=np.ones(1, np.float32)),
        add("going on", 1, id_="g", version="1"),  # the sequence runs on the newest, 2
        add("going on", 1, id_="h", outputs=["sum_next"]),  # a state
        add("going on", 2, id_="i", end=True),
    ]
    found = answers(triton, server.address, way, steps)
    answered = {each["id"]: total(each) for each in found if "id" in each}
    assert answered == {"a": 1, "i": 3}
    errors = [each["error"] for each in found if "error" in each]
    expected = (
        "NaN or Inf",
        "x: FP32[1, 1]",
        "x: FP32[1, 1]",
        "no input 'y'",
        "there is no model 'nothing'",
        "accumulator/2",
        "no output 'sum_next'",
    )
    for part in expected:
        assert any(part in error for error in errors), (part, errors)
    assert len(errors) == len(expected)


def test_an_error_has_the_id_of_its_request(server: Server) -> None:
    """Which Python's client does not tell."""
    parameters = {
        "sequence_id": pb.InferParameter(int64_param=11),
        "sequence_start": pb.InferParameter(bool_param=True),
        "sequence_end": pb.InferParameter(bool_param=True),
    }
    requests = []
    for id_, shape in (("wrong", (2,)), ("\u00fcbrig", (1, 1)), ("", (1, 1))):
        x = pb.ModelInferRequest.InferInputTensor(name="x", datatype="FP32", shape=shape)
        x.contents.fp32_contents.append(3)
        request = pb.ModelInferRequest(model_name="accumulator", id=id_, inputs=[x])
        for name, value in parameters.items():
            request.parameters[name].CopyFrom(value)
        requests.append(request)
    with grpc.insecure_channel(server.address) as channel:
        stub = pb_grpc.GRPCInferenceServiceStub(channel)
        found = {each.infer_response.id: each for each in stub.ModelStreamInfer(iter(requests))}
    assert found.keys() == {"wrong", "\u00fcbrig", ""}
    assert "x: FP32[1, 1]" in found["wrong"].error_message
    assert not found["wrong"].infer_response.outputs
    for id_ in ("\u00fcbrig", ""):
        assert not found[id_].error_message
        assert found[id_].infer_response.raw_output_contents == [struct.pack("<f", 3)]


def test_a_model_of_several_tensors_gives_those_that_are_asked_for(
    triton: TritonClient, server: Server, way: Way
) -> None:
    signal, gate = np.array([1.5, -2], np.float32), np.array([True])
    found = answers(
        triton,
        server.address,
        way,
        [
            step("mixer", 9, start=True, signal=signal, gate=gate),
            step("mixer", 9, outputs=["count"], gate=~gate, signal=signal),  # in any order
            step("mixer", 9, outputs=["count", "sum"], end=True, signal=signal, gate=gate),
        ],
    )
    named = [each["outputs"] for each in found]
    assert [list(each) for each in named] == [["sum", "count"], ["count"], ["count", "sum"]]
    counts = [np.frombuffer(bytes.fromhex(each["count"]), np.int64).tolist() for each in named]
    assert counts == [[1], [2], [3]]
    assert named[2]["sum"] == (2 * signal).tobytes().hex()


def test_no_sequence_waits_for_a_slower_one_on_its_call(
    triton: TritonClient, tmp_path: Path
) -> None:
    """A step of a fast model is sent behind many of a slow one, and answered before the last."""
    root = tmp_path / "repository"
    graphs.put(root, "accumulator", ACCUMULATOR)
    graphs.put(root, "slow", graphs.package(*graphs.recurrent("GRU", inputs=8, hidden=2048)))
    x = np.ones(8, np.float32)
    slow = [step("slow", 1, id_="slow", start=number == 0, x=x) for number in range(SLOW)]
    with serving(root, "--threads", "1", "--max-batch", "1") as server:  # sooner proven
        steps = [*slow, add(2, 1, id_="fast", start=True)]
        found = [each["id"] for each in answers(triton, server.address, ("aio", "stream"), steps)]
    assert len(found) == SLOW + 1
    assert found.index("fast") < SLOW


def test_a_model_without_states_needs_no_sequence(triton: TritonClient, server: Server) -> None:
    x = np.zeros(FEATURES, np.float32)
    found = answers(
        triton,
        server.address,
        ("sync", "unary"),
        [step("memoryless", 0, x=x), step("gru", 0, x=x)],
    )
    assert "outputs" in found[0]
    assert found[1]["status"] == "StatusCode.INVALID_ARGUMENT"
    assert "sequence_id" in found[1]["error"]
