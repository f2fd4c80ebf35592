"""The page on logs: what a service writes when streams come, err and go."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from service.logs import FIELDS
from stepwire.v1 import stream_pb2 as pb
from tests import graphs
from tests.debian import program
from tests.e2e.wire import TOKEN, raw_call
from tests.pages import Page, shell
from torture.processes import Server, running

PAGE = Page("docs/logs.md")
STEPS = 30

Line = dict[str, Any]


async def live_and_fail(server: Server) -> None:
    """A stream that steps, errs twice in one way, is taken over and ends."""
    async with raw_call(server.address) as former, raw_call(server.address) as call:
        await former.open("arm-7")
        for step in range(STEPS):
            await former.add(step, 1)
        for _ in range(2):
            await former.step(STEPS, b"short")
        await call.open("arm-7", mode=pb.OPEN_MODE_RESUME)
        await former.failure()
        await call.send(close=pb.Close())
        await call.rest()
    async with raw_call(server.address) as stranger:
        await stranger.send(open=pb.Open(model="no-such-model", stream_id="stranger"))
        await stranger.failure()


async def logged(folder: Path, *flags: str) -> str:
    graphs.put(folder / "repository", "accumulator", graphs.accumulator_package())
    # With a fixed number of threads nothing is logged of how long runs take here.
    flags += ("--threads", "1")
    with running(folder / "repository", *flags, log=folder / "log") as server:
        await live_and_fail(server)
        server.terminate()
        assert server.wait() == 0
        return server.log


def page_flags() -> tuple[str, ...]:
    return tuple(PAGE.block("sh", "serve").split()[2:])


async def test_every_line_is_an_object_with_the_fields_of_the_page(tmp_path: Path) -> None:
    log = await logged(tmp_path, *page_flags(), "--log-level", "debug")
    lines: list[Line] = [json.loads(line) for line in log.splitlines()]
    known = {row[0] for row in PAGE.table("field")}
    assert set().union(*lines) <= known
    assert all(line["time"].endswith("Z") for line in lines)
    assert repr(TOKEN) not in log and TOKEN.hex() not in log

    model = {"model": "accumulator/1"}
    arm = model | {"stream": "arm-7"}
    told = [
        (line["level"], {name: line[name] for name in FIELDS if name in line})
        for line in lines
        if line["logger"].startswith("service.")
    ]
    assert told == [
        ("info", {}),
        ("info", model),
        ("info", {}),
        ("debug", arm),
        ("warning", arm | {"step": STEPS, "error": "INVALID_INPUT"}),
        ("info", arm | {"error": "STREAM_TAKEN_OVER"}),
        ("debug", arm),
        ("debug", {"stream": "stranger", "error": "MODEL_NOT_FOUND"}),
        ("info", {}),
        ("info", {}),
    ]


async def test_the_pages_example_is_a_line_of_a_service(tmp_path: Path) -> None:
    shown = json.loads(PAGE.block("json", "loaded"))
    lines = map(json.loads, (await logged(tmp_path, *page_flags())).splitlines())
    first = next(line for line in lines if "model" in line)
    assert shown.keys() == first.keys()
    assert shown["message"].split()[:1] == first["message"].split()[:1]
    assert (shown["logger"], shown["level"]) == (first["logger"], first["level"])


async def test_the_events_of_one_stream_can_be_picked(tmp_path: Path) -> None:
    program("jq", "jq")
    (tmp_path / "stepwire.log").write_text(await logged(tmp_path, *page_flags()))
    told = shell(PAGE.block("sh", "jq -r"), cwd=tmp_path).splitlines()
    assert [line.split(" ", 2)[1] for line in told] == ["warning", "info"]
    assert told[1].endswith("stream arm-7 was taken over by another connection")


async def test_people_read_the_same_events(tmp_path: Path) -> None:
    json_lines = await logged(tmp_path, *page_flags())
    messages = [json.loads(line)["message"] for line in json_lines.splitlines()]
    lines = (await logged(tmp_path / "again", "--log-format", "console")).splitlines()
    assert len(lines) == len(messages)
    assert "WARNING service.api.refusals: stream arm-7 was refused a step: " in "".join(lines)
