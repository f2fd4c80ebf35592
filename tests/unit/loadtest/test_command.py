"""What `stepwire load` takes, and what it refuses before it begins."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

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
        ([*USUAL, "--rate", "0"], "--rate"),
        ([*USUAL, "--streams", "0"], "--streams"),
        ([*USUAL, "--protocol", "http"], "'native', 'fleet', 'triton'"),
        ([*USUAL, "--report", "no/such/page.html"], "there is no folder no/such; make it first"),
        ([*USUAL, "--ca", "no-such.pem"], "no-such.pem: No such file"),
        ([*USUAL, "--certificate", "no-such.pem"], "give both or none"),
    ],
)
def test_what_cannot_be_run_is_told(arguments: list[str], told: str) -> None:
    assert told in refused(*arguments).output


def test_a_credential_is_not_sent_in_plain_text_to_others(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("secret\n")
    result = refused("load", "elsewhere:1", "--model", "a", "--credential-file", str(file))
    assert "could read the credential: give --ca or --tls" in result.output
    assert "secret" not in result.output
