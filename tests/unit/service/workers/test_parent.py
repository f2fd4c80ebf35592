from __future__ import annotations

import asyncio
import signal
from unittest.mock import Mock

import pytest

from service.settings import Settings, load
from service.startup import StartError
from service.workers import parent
from service.workers.crew import Crew
from service.workers.parent import Supervisor
from service.workers.worker import Answer, Worker

SETTINGS = load({"workers": "2", "store": "sqlite:streams.db"})


class Acted(Worker):
    """A worker without a process: a test says when and how it ends."""

    def __init__(self, name: str) -> None:
        super().__init__(name, Mock(pid=1))
        self._end: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def ended(self) -> int:
        return await self._end

    def end(self, code: int) -> None:
        self._end.set_result(code)

    def terminate(self) -> None:
        self.end(0)


class Stage:
    """A supervisor of acted workers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.launched: list[Acted] = []
        self.stop = asyncio.Event()
        self.crew = Crew(["1", "2"])
        self._serve = True
        monkeypatch.setattr(parent, "launch", self._launch)

    async def _launch(self, name: str, settings: Settings, answer: Answer) -> Worker:
        worker = Acted(name)
        self.launched.append(worker)
        if self._serve:
            asyncio.get_running_loop().call_soon(self._come_up, worker)
        return worker

    def _come_up(self, worker: Worker) -> None:
        up = {"models": ["gru/1"], "device": "models run on the CPU"}
        self._answering = asyncio.create_task(self.crew.answer(worker, "serving", up))

    def begin(self, *, serve: bool = True) -> asyncio.Task[None]:
        """`serve`: whether workers come up."""
        self._serve = serve
        return asyncio.create_task(Supervisor(self.crew, SETTINGS, self.stop).run(None))

    async def until(self, launched: int) -> None:
        while len(self.launched) < launched:
            await asyncio.sleep(0)


@pytest.fixture
async def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(monkeypatch)


async def test_the_service_is_announced_once_all_serve(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    running = stage.begin()
    await stage.crew.all_serve.wait()
    await asyncio.sleep(0)
    stage.stop.set()
    await running
    assert capsys.readouterr().out.splitlines() == [
        "stepwire: listening on 127.0.0.1:50051, serving gru/1",
        "stepwire: models run on the CPU",
    ]


async def test_a_worker_that_has_died_is_started_again(stage: Stage) -> None:
    running = stage.begin()
    await stage.crew.all_serve.wait()
    stage.launched[0].end(-signal.SIGKILL)
    await stage.until(3)
    assert [worker.name for worker in stage.launched] == ["1", "2", "1"]
    stage.stop.set()
    await running
    assert len(stage.launched) == 3


async def test_a_worker_that_cannot_start_ends_the_service(stage: Stage) -> None:
    running = stage.begin(serve=False)
    await stage.until(2)
    stage.launched[1].end(1)
    with pytest.raises(StartError, match="worker 2 ended with code 1"):
        await running
    assert len(stage.launched) == 2


async def test_a_worker_that_is_killed_at_its_start_is_started_again(stage: Stage) -> None:
    running = stage.begin(serve=False)
    await stage.until(2)
    stage.launched[0].end(-signal.SIGKILL)
    await stage.until(3)
    stage.stop.set()
    await running


async def test_an_interpreter_that_cannot_be_started_is_tried_again_later(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried = asyncio.Event()

    async def no_memory(name: str, settings: Settings, answer: Answer) -> Worker:
        tried.set()
        raise OSError("no memory")

    monkeypatch.setattr(parent, "launch", no_memory)
    running = stage.begin()
    await tried.wait()
    await asyncio.sleep(0)
    stage.stop.set()
    await running
    assert "worker 1 did not start: no memory; again" in caplog.text


async def test_a_worker_that_does_not_end_is_killed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parent, "PATIENCE_SECONDS", -SETTINGS.grace)
    monkeypatch.setattr(Acted, "terminate", Mock())
    monkeypatch.setattr(Acted, "kill", lambda worker: worker.end(-signal.SIGKILL))
    running = stage.begin()
    await stage.crew.all_serve.wait()
    stage.stop.set()
    await running
