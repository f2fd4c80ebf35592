"""The page on security, command by command."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import stepwire
import stepwire.sync
from service.access.tokens import parse
from service.settings import Settings, variable_of
from tests.pages import ADDRESS, ROOT, Page, ran, shell
from torture.processes import Server, running

PAGE = Page("docs/security.md")


def run_openssl(script: str, folder: Path) -> None:
    """It writes its progress to the standard error."""
    done = ran(script, folder)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl: install Debian's package openssl")
    repository = tmp_path / "model_repository"
    shutil.copytree(ROOT / "model_repository" / "pendulum-gru", repository / "pendulum-gru")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def flags(heading: str) -> list[str]:
    """Of the page's server; the one of the tests listens elsewhere."""
    [command] = [block for block in PAGE.blocks(heading, "sh") if "stepwire serve" in block]
    return shlex.split(command)[2:]


def step(server: Server, **options: Any) -> float:
    with (
        stepwire.sync.connect(f"localhost:{server.port}", retry_for=1.0, **options) as client,
        client.stream("pendulum-gru") as stream,
    ):
        return float(np.asarray(stream.step([1.0, 0.0])).item())


def test_the_page_from_an_authority_to_a_stream(folder: Path) -> None:
    models, ca = folder / "model_repository", "authority/ca.pem"
    run_openssl(PAGE.blocks("TLS", "sh")[0], folder)
    with running(models, *flags("TLS"), log=folder / "log") as server:
        expected = step(server, ca=ca)
        with pytest.raises(stepwire.Unavailable):
            step(server)

    run_openssl(PAGE.blocks("Mutual TLS", "sh")[0], folder)
    own = {"certificate": "robot-7/robot-7.pem", "key": "robot-7/robot-7.key"}
    with running(models, *flags("Mutual TLS"), log=folder / "log") as server:
        assert step(server, ca=ca, **own) == expected
        with pytest.raises(stepwire.Unavailable):
            step(server, ca=ca)

    assert shell(PAGE.block("sh", "stepwire token"), folder) == ""
    with running(models, *flags("Tokens"), log=folder / "log") as server:
        names: dict[str, Any] = {}
        exec(
            PAGE.block("python", "credential=").replace(ADDRESS, f"localhost:{server.port}"), names
        )
        assert np.asarray(names["y"]).item() == expected
        with pytest.raises(stepwire.Unauthenticated):
            step(server, ca=ca)


def test_the_file_of_tokens_is_as_shown() -> None:
    [example] = PAGE.blocks("Tokens", "toml")
    [line] = re.findall(r"`(printf [^`]*)`", PAGE.section("Tokens"))
    digits = shell("TOKEN=secret; " + line.replace("\\|", "|")).split()[0]
    found = parse(example).find(bytes.fromhex(digits))
    assert found and (found.name, found.namespace) == ("robot-7", "plant-a")
    for key in ("name", "token_sha256", "models", "namespace", "operator"):
        assert [key] == [row[0] for row in PAGE.table("key") if row[0] == key]


def test_the_containers_settings_are_settings() -> None:
    named = set(re.findall(r"STEPWIRE_\w+", PAGE.text))
    assert named <= set(map(variable_of, Settings.model_fields))
