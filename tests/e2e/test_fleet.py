"""Fleets through a real server: what their streams would have been given by themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import stepwire
from service.core.model import Array
from stepwire.v1 import stream_pb2 as pb
from tests import networks
from tests.e2e.wire import TOKEN, raw_fleet
from torture.processes import Reborn, Server

STREAMS, STEPS = 40, 32


def ids(prefix: str) -> list[str]:
    return [f"{prefix}-{index}" for index in range(STREAMS)]


def signals(model: str) -> Array:
    """Of shape [streams, steps, features]."""
    width = 1 if model == "neighbourly" else networks.FEATURES
    return np.ascontiguousarray(networks.signal(STREAMS, STEPS, seed=7)[:, :, :width], "<f4")


async def alone(address: str, model: str, inputs: Array) -> list[bytes]:
    """The outputs of one stream by itself, for inputs [T, F]."""
    async with stepwire.connect(address) as client, client.stream(model) as stream:
        return [np.asarray(await stream.step(x)).tobytes() for x in inputs]


@pytest.mark.parametrize("model", [*networks.ARCHITECTURES, "neighbourly"])
async def test_a_stream_in_a_fleet_is_the_same_to_the_last_bit_as_by_itself(
    server: Server, model: str
) -> None:
    inputs = signals(model)
    async with raw_fleet(server.address) as fleet:
        members = await fleet.open(ids(model), model)
        handles = [member.handle for member in members]
        answers = [await fleet.step(handles, step, inputs[:, step]) for step in range(STEPS)]
    for stream in (0, 17, STREAMS - 1):
        expected = await alone(server.address, model, inputs[stream])
        assert [answer[handles[stream]] for answer in answers] == expected


async def test_a_stream_goes_on_in_a_fleet_and_outside_it(server: Server) -> None:
    inputs = signals("gru")
    expected = await alone(server.address, "gru", inputs[0])
    async with raw_fleet(server.address) as fleet:
        (member,) = await fleet.open(["wanderer"], "gru")
        first = [await fleet.step([member.handle], step, inputs[:1, step]) for step in range(10)]
    assert [answer[member.handle] for answer in first] == expected[:10]
    async with (
        stepwire.connect(server.address) as client,
        client.stream("gru", stream_id="wanderer", mode="resume", token=TOKEN) as stream,
    ):
        then = [np.asarray(await stream.step(x)).tobytes() for x in inputs[0, 10:20]]
        assert then == expected[10:20]
        await stream.detach()
    async with raw_fleet(server.address) as fleet:
        (member,) = await fleet.open(["wanderer"], "gru", pb.OPEN_MODE_RESUME)
        assert member.opened.next_step == 20
        last = await fleet.step([member.handle], 20, inputs[:1, 20])
    assert last[member.handle] == expected[20]


async def test_a_killed_server_gives_every_stream_of_a_fleet_back(
    repository: Path, tmp_path: Path
) -> None:
    inputs = signals("gru")
    flags = ("--store", f"sqlite:{tmp_path / 'store'}", "--takeover-wait", "0.05")
    with Reborn(repository, *flags, log=tmp_path / "log") as server:
        expected = await alone(server.address, "gru", inputs[3])
        async with raw_fleet(server.address) as fleet:
            members = await fleet.open(ids("gru"), "gru")
            handles = [member.handle for member in members]
            for step in range(STEPS - 2):
                await fleet.step(handles, step, inputs[:, step])
            while any(fleet.durable.get(handle, 0) < STEPS - 2 for handle in handles):
                await fleet.hear()
            await server.crash()
        async with raw_fleet(server.address) as fleet:
            members = await fleet.open(ids("gru"), "gru", pb.OPEN_MODE_RESUME)
            assert {member.opened.next_step for member in members} == {STEPS - 2}
            handles = [member.handle for member in members]
            answer = await fleet.step(handles, STEPS - 2, inputs[:, STEPS - 2])
    assert answer[handles[3]] == expected[STEPS - 2]
