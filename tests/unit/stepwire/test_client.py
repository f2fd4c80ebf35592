from __future__ import annotations

import pytest

import stepwire


@pytest.mark.parametrize("stream_id", ["a b", "\u00e9\n", 20_000 * "z"])
async def test_what_is_no_id_is_refused_before_it_becomes_metadata(stream_id: str) -> None:
    async with stepwire.connect("localhost:1", retry_for=0.0) as client:
        for ask in (client.states.get, client.states.reset, client.states.delete):
            with pytest.raises(ValueError, match="is not 1 to 128 characters"):
                await ask(stream_id, b"")
        with pytest.raises(ValueError, match="is not 1 to 128 characters"):
            await client.states.fork("robot", b"", new_stream_id=stream_id)
        with pytest.raises(ValueError, match="is not 1 to 128 characters"):
            client.stream("m", stream_id=stream_id)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("inf"), float("nan")])
async def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    async with stepwire.connect("localhost:1") as client:
        with pytest.raises(ValueError, match="a rate is a number of timesteps a second"):
            client.stream("m", rate_hz=rate)


async def test_fewer_than_no_bytes_cannot_be_kept() -> None:
    async with stepwire.connect("localhost:1") as client:
        with pytest.raises(ValueError, match="number of bytes from 0, not -1"):
            client.stream("m", replay_bytes=-1)


async def test_an_unknown_way_of_being_unprotected_is_refused() -> None:
    async with stepwire.connect("localhost:1") as client:
        with pytest.raises(ValueError, match="'continue' or 'wait', not 'ignore'"):
            client.stream("m", on_unprotected="ignore")  # type: ignore[arg-type]  # on purpose
