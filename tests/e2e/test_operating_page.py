"""The page on operating the service: its commands."""

from __future__ import annotations

from pathlib import Path

from tests.pages import Page, shell
from torture.processes import running
from torture.scrape import HttpPort

PAGE = Page("docs/operating.md")
HTTP = "127.0.0.1:8080"


def flags_of(command: str) -> list[str]:
    """Of `stepwire serve`, with any port where the page has one of its own."""
    return command.split()[2:]


def test_many_workers_are_started_as_the_page_says(repository: Path, tmp_path: Path) -> None:
    many = PAGE.block("sh", "--workers").replace("streams.db", str(tmp_path / "streams.db"))
    flags = flags_of(many.replace(HTTP, "127.0.0.1:0").replace("--workers 4", "--workers 2"))
    with running(repository, *flags, log=tmp_path / "log") as server:
        _, told = HttpPort(server).ready()
    assert list(told["workers"]) == ["1", "2"]


def test_readiness_reads_as_the_page_shows_it(repository: Path, tmp_path: Path) -> None:
    flags = flags_of(PAGE.block("sh", "serve --http-listen").replace(HTTP, "127.0.0.1:0"))
    with running(repository, *flags, log=tmp_path / "log") as server:
        url = HttpPort(server).url
        asked = PAGE.block("sh", "/readyz").replace("http://localhost:8080", url)
        assert shell(asked) == PAGE.block("", '{"ready"')
