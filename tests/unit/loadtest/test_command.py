"""What `stepwire load` takes, and what it refuses before it begins."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from loadtest.files import writable
from stepwire.cli import main

USUAL = ("load", "--model", "accumulator")


def refused(*arguments: str) -> Result:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    return result


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["load"], "Missing option '--model'"),
        ([*USUAL, "--fail-if", "p99>5"], "a latency has a unit, us, ms or s"),
        ([*USUAL, "--find-max", "speed<5"], "there is no measure 'speed'"),
        ([*USUAL, "--closed-loop", "--rate", "3"], "a closed loop has no rate"),
        ([*USUAL, "--closed-loop", "--find-max", "p99<1s"], "a closed loop has no rate"),
        ([*USUAL, "--find-max", "p99<1s", "--fail-if", "errors>0"], "leave out --fail-if"),
        ([*USUAL, "--protocol", "triton", "--fail-if", "batch>9"], "leave out 'batch>9'"),
        ([*USUAL, "--protocol", "triton", "--find-max", "batch<9"], "leave out 'batch<9'"),
        ([*USUAL, "--closed-loop", "--fail-if", "miss>5%"], "leave out 'miss>5%'"),
        ([*USUAL, "--report", "a.x", "--json", "./a.x"], "--report and --json name the same file"),
        ([*USUAL, "--report", "/proc/page.html"], "/proc/page.html: no file can be written there"),
        ([*USUAL, "--json", "/dev/null"], "/dev/null: it is there, and no file"),
        ([*USUAL, "--rate", "0"], "--rate"),
        ([*USUAL, "--rate", "nan"], "'--rate': 'nan' is no number"),
        ([*USUAL, "--duration", "nan"], "'--duration': 'nan' is no number"),
        ([*USUAL, "--ramp", "nan"], "'--ramp': 'nan' is no number"),
        ([*USUAL, "--drain", "nan"], "'--drain': 'nan' is no number"),
        ([*USUAL, "--streams", "0"], "--streams"),
        ([*USUAL, "localhost"], "'localhost' is no HOST:PORT: a host and a port are needed"),
        ([*USUAL, ""], "'' is no HOST:PORT"),
        ([*USUAL, "localhost:"], "'localhost:' is no HOST:PORT"),
        ([*USUAL, "--protocol", "http"], "'native', 'fleet', 'triton'"),
        ([*USUAL, "--report", "no/such/page.html"], "there is no folder no/such; make it first"),
        ([*USUAL, "--ca", "no-such.pem"], "no-such.pem: No such file"),
        ([*USUAL, "--certificate", "no-such.pem"], "give both or none"),
    ],
)
def test_what_cannot_be_run_is_told(arguments: list[str], told: str) -> None:
    assert told in refused(*arguments).output


def test_files_that_can_be_written_are_left_as_they_are(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("of another run")
    writable(page)
    writable(tmp_path / "figures.json")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert page.read_text() == "of another run"


def test_a_credential_is_not_sent_in_plain_text_to_others(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("secret\n")
    result = refused("load", "elsewhere:1", "--model", "a", "--credential-file", str(file))
    assert "could read the credential: give --ca or --tls" in result.output
    assert "secret" not in result.output
