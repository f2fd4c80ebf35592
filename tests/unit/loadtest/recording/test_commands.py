"""What `stepwire record` and `stepwire replay` refuse before they begin."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from stepwire.cli import main
from tests.recordings import begun, step, taped


@pytest.fixture
def recording(tmp_path: Path) -> str:
    return str(taped(tmp_path / "there.rec", [begun(first_step=3), step(3)]))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("record", "Missing option '--to'"),
        ("record --to no/such/r.rec", "there is no folder no/such; make it first"),
        ("record --to THERE", "it is there already; name another file, or remove it"),
        ("record --to r.rec --tls-cert a.pem", "give --tls-cert and --tls-key"),
        ("record --to r.rec --credential-file a", "clients send their own credentials"),
        ("record --to r.rec --ca no-such.pem", "no-such.pem: No such file"),
        ("record localhost --to r.rec", "'localhost' is no HOST:PORT"),
        ("record --from localhost --to r.rec", "'localhost' is no HOST:PORT"),
        ("record --show no-such.rec", "no-such.rec: No such file"),
        ("replay no-such.rec", "no-such.rec: No such file"),
        ("replay THERE", "no stream is recorded from its first step on"),
        ("replay THERE --fast --speed 2", "leave out --speed and --report"),
        ("replay THERE --fast --report r.html", "leave out --speed and --report"),
        ("replay THERE localhost", "'localhost' is no HOST:PORT"),
        ("replay THERE --speed 0", "--speed"),
        ("replay THERE --speed nan", "'--speed': 'nan' is no number"),
        ("replay THERE --atol nan", "'--atol': 'nan' is no number"),
        ("replay THERE --report no/such/r.html", "there is no folder no/such; make it first"),
    ],
)
def test_what_cannot_be_done_is_told(
    arguments: str, told: str, recording: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    result = CliRunner().invoke(main, arguments.replace("THERE", recording).split())
    assert (result.exit_code, told in result.output) == (2, True), result.output
    assert sorted(tmp_path.iterdir()) == before


def test_an_address_that_is_taken_is_told_and_no_file_left(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        file = tmp_path / "r.rec"
        result = CliRunner().invoke(main, ["record", address, "--to", str(file)])
    assert result.exit_code == 2
    assert f"error: cannot listen on {address}: another program may have it" in result.output
    assert not file.exists()


@pytest.mark.parametrize("command", [["record", "--show"], ["replay", "--show"]])
def test_both_commands_show_a_recording(command: list[str], recording: str) -> None:
    result = CliRunner().invoke(main, [*command, recording])
    assert result.exit_code == 0
    assert "steps       1 answered" in result.output
