"""`stepwire models` at a running server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import stepwire.sync
from service.access.credentials import Credential, hash_token, make_token
from service.access.tokens import entry
from stepwire.cli import main
from tests import graphs
from tests.e2e.deployed import ACCUMULATOR, put_models, serving
from torture.processes import Server


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return put_models(tmp_path / "repository")


@pytest.fixture
def server(root: Path) -> Iterator[Server]:
    with serving(root) as made:
        yield made


def models(server: Server, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["models", "--server", server.address, *arguments])


def lines(server: Server, *arguments: str) -> list[str]:
    result = models(server, *arguments)
    assert result.exit_code == 0, result.output
    return result.output.splitlines()


def test_versions_come_and_go(server: Server, root: Path) -> None:
    assert [line.split(" digest")[0] for line in lines(server, "list")] == [
        "accumulator/1, serving, streams: 0,",
        "gru/1, serving, streams: 0,",
    ]
    with stepwire.sync.connect(server.address) as client:
        with client.stream("accumulator") as stream:
            graphs.put(root, "accumulator", ACCUMULATOR, 2)
            assert (
                lines(server, "list", "accumulator")[1] == "accumulator/2, not loaded, streams: 0"
            )
            loaded = lines(server, "load", "accumulator", "--swap", "handover")
            assert loaded[0].startswith("accumulator/2, serving, streams: 1, digest ")
            assert loaded[1] == "streams handed over: 1"
            assert lines(server, "unload", "accumulator", "--version", "1") == [
                "accumulator/1, not loaded, streams: 0"
            ]
            unloaded = lines(server, "unload", "accumulator")
            assert unloaded[0].startswith("accumulator/2, draining, streams: 1, digest ")
            assert stream.next_step == 0


def test_streams_that_stay_are_told_with_the_reason(server: Server, root: Path) -> None:
    with stepwire.sync.connect(server.address) as client:
        with client.stream("gru"):
            graphs.put(root, "gru", ACCUMULATOR, 2)
            loaded = lines(server, "load", "gru", "--swap", "handover")
            assert loaded[1:] == [
                "gru/1 keeps its streams (1): its input x: float32[4] is x: float32[1] in the "
                "newer version"
            ]


def test_a_version_is_described(server: Server) -> None:
    described = lines(server, "describe", "gru")
    assert described[0].startswith("gru/1, digest ")
    assert described[1:] == [
        "input x: float32[4]",
        "output y: float32[32]",
        "state h: float32[1, 32]",
        "streams in a run: any",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("list", "nothing"), "there is no model 'nothing', on disk or in service"),
        (("load", "nothing"), "there is no package nothing/1 in the repository"),
        (("load", "../gru"), "'../gru' is no name of a model"),
        (("unload", "gru", "--version", "7"), "there is no version 7 of model 'gru' to unload"),
        (("unload", ""), "there is no model '' to unload"),
        (("unload", 100_000 * "m"), f"there is no model {140 * 'm'!r} to unload"),
        (("describe", "gru", "--version", "7"), "model 'gru' has no version 7, only 1"),
    ],
)
def test_a_refusal_is_one_line_and_exit_code_2(
    server: Server, arguments: tuple[str, ...], message: str
) -> None:
    result = models(server, *arguments)
    assert result.exit_code == 2
    assert result.output == f"error: {server.address}: {message}\n"


def test_a_credential_comes_from_a_file_or_a_variable(root: Path, tmp_path: Path) -> None:
    token, file = make_token(), tmp_path / "tokens.toml"
    file.write_text(entry(Credential("operator", hash_token(token), "", ("*",), operator=True)))
    file.chmod(0o600)
    (tmp_path / "token").write_text(token + "\n")
    with serving(root, "--tokens", str(file)) as server:
        assert "asks for a credential" in models(server, "list").output
        assert len(lines(server, "--credential-file", str(tmp_path / "token"), "list")) == 2
        arguments = ["models", "--server", server.address, "load", "gru"]
        result = CliRunner(env={"STEPWIRE_CREDENTIAL": token}).invoke(main, arguments)
        assert result.exit_code == 0, result.output
    missing = models(server, "--credential-file", str(tmp_path / "nothing"), "list")
    assert missing.exit_code == 2 and "nothing: No such file" in missing.output


def test_a_credential_that_others_could_read_is_kept_and_the_flags_named() -> None:
    arguments = ["models", "--server", "example.com:50051", "list"]
    result = CliRunner(env={"STEPWIRE_CREDENTIAL": make_token()}).invoke(main, arguments)
    assert result.exit_code == 2
    assert result.output == (
        "error: whoever is between here and example.com:50051 could read the credential: give "
        "--ca or --tls, or allow it by --plaintext-credential\n"
    )
