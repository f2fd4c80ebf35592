"""The page on the live page: its commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.pages import Page, shell
from torture.processes import running
from torture.scrape import HttpPort

PAGE = Page("docs/console.md")
HTTP = "127.0.0.1:8080"
FREE = "127.0.0.1:0"


def test_the_page_is_where_it_is_said_to_be(repository: Path, tmp_path: Path) -> None:
    command = PAGE.block("sh", "stepwire serve --http-listen").replace(HTTP, FREE)
    with running(repository, *command.split()[2:], log=tmp_path / "log") as server:
        http = HttpPort(server)
        assert server.process.stdout
        said = server.process.stdout.readline()
        assert said == PAGE.block("", "live page on").replace(f"http://{HTTP}", http.url)
        assert "<title>Stepwire</title>" in http.get("/")[1]
        asked = PAGE.block("sh", "curl").replace(f"http://{HTTP}", http.url)
        told = json.loads(shell(asked))
    assert told["streams"]["rows"] == []
    assert [model["name"] for model in told["models"]][:2] == ["accumulator/1", "accumulator/2"]


def test_a_container_has_it_when_it_is_told(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    *variables, _, _, flag = PAGE.block("sh", "STEPWIRE_CONSOLE=on").split()
    for variable in variables:
        name, _, value = variable.partition("=")
        monkeypatch.setenv(name, value.replace(":8080", ":0"))
    with running(repository, flag, log=tmp_path / "log") as server:
        assert server.process.stdout
        server.process.stdout.readline()
        assert server.process.stdout.readline().startswith("stepwire: live page on http://0.0.0.0:")
