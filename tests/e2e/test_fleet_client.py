"""The client's fleet: arrays in, arrays out, for many streams at a time."""

from __future__ import annotations

import numpy as np
import pytest

import stepwire
import stepwire.sync
from tests import networks
from torture.processes import Server


async def test_a_fleet_gives_each_row_what_its_stream_gives(server: Server) -> None:
    inputs = networks.signal(12, 8, seed=9)
    async with stepwire.connect(server.address) as client:
        async with client.fleet("gru", 12) as fleet:
            assert len(fleet) == 12
            outputs = [np.asarray(await fleet.step(inputs[:, step])) for step in range(8)]
        async with client.stream("gru") as stream:
            alone = [np.asarray(await stream.step(x)) for x in inputs[3]]
    assert [rows[3].tobytes() for rows in outputs] == [row.tobytes() for row in alone]


async def test_some_streams_of_a_fleet_step_without_the_others(server: Server) -> None:
    async with (
        stepwire.connect(server.address) as client,
        client.fleet("accumulator", ["north", "south", "west"]) as fleet,
    ):
        await fleet.step([[1.0], [2.0], [3.0]])
        assert (await fleet.step([[10.0], [20.0]], which=[2, 0])).tolist() == [[13.0], [21.0]]
        assert [stream.next_step for stream in fleet.streams] == [2, 1, 2]
        assert [stream.id for stream in fleet.streams] == ["north", "south", "west"]


async def test_tensors_by_name_have_a_row_for_each_stream_too(server: Server) -> None:
    async with (
        stepwire.connect(server.address) as client,
        client.fleet("mixer", 2) as fleet,
        client.stream("mixer") as stream,
    ):
        one = {
            tensor.name: np.ones(tensor.shape, tensor.dtype) for tensor in stream.signature.inputs
        }
        expected = await stream.step(one)
        outputs = await fleet.step({name: np.stack([each, each]) for name, each in one.items()})
    assert set(outputs) == set(expected)
    for name, rows in outputs.items():
        assert all(np.array_equal(row, expected[name]) for row in rows)


async def test_streams_that_fail_are_named_and_the_outputs_of_the_others_given(
    server: Server,
) -> None:
    async with (
        stepwire.connect(server.address) as client,
        client.fleet("accumulator", 3) as fleet,
    ):
        with pytest.raises(
            stepwire.MembersFailed, match="1 of its streams failed, at place 1"
        ) as raised:
            await fleet.step([[1.0], [np.nan], [3.0]])
        assert isinstance(raised.value.errors[1], stepwire.InvalidInput)
        assert raised.value.outputs.tolist() == [[1.0], [0.0], [3.0]]
        assert (await fleet.step([[1.0]] * 3)).tolist() == [[2.0], [1.0], [4.0]]


async def test_rows_are_as_many_as_streams(server: Server) -> None:
    async with (
        stepwire.connect(server.address) as client,
        client.fleet("accumulator", 3) as fleet,
    ):
        for wrong in ([[1.0]], 1.0):
            with pytest.raises(ValueError, match="3 streams take 3 rows of inputs"):
                await fleet.step(wrong)
        assert (await fleet.step([[1.0]] * 3)).tolist() == [[1.0]] * 3


async def test_a_fleet_opens_whole_or_not_at_all(server: Server) -> None:
    async with stepwire.connect(server.address) as client:
        async with client.stream("accumulator", stream_id="taken"):
            fleet = client.fleet("accumulator", ["free", "taken"])
            with pytest.raises(stepwire.StreamExists):
                await fleet.open()
            assert not any(stream.live for stream in fleet.streams)


def test_a_fleet_without_async(server: Server) -> None:
    with (
        stepwire.sync.connect(server.address) as client,
        client.fleet("accumulator", 2) as fleet,
    ):
        assert fleet.step([[1.0], [2.0]]).tolist() == [[1.0], [2.0]]
        assert fleet.step([[5.0]], which=[1]).tolist() == [[7.0]]
        assert [stream.next_step for stream in fleet.streams] == [1, 2]
        assert len(fleet) == 2
