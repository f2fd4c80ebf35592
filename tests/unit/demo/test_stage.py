"""What every demo shares."""

from __future__ import annotations

import signal
from pathlib import Path

import click
import pytest

from demo import stage
from demo.server import ServiceFailed
from models.cli import Refused
from stepwire.errors import ModelNotFound, Unavailable


def test_a_missing_extra_is_named() -> None:
    stage.require(("json",))
    with pytest.raises(Refused, match=r"needs nosuchmodule: pip install 'stepwire\[demo\]'"):
        stage.require(("json", "nosuchmodule"))


def test_a_running_service_is_taken_as_it_is() -> None:
    with stage.served(None, "somewhere:1") as address:
        assert address == "somewhere:1"


def test_nobody_at_the_address_is_told_with_what_to_do() -> None:
    with pytest.raises(Refused, match="no answer; start a service there, or leave"):
        with stage.served(None, "somewhere:1"):
            raise Unavailable("no answer")


def test_one_service_at_a_time() -> None:
    with pytest.raises(click.UsageError):
        with stage.served(Path("models"), "somewhere:1"):
            pass


def test_without_models_it_says_which_option_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(stage, "CHECKOUT", tmp_path)
    with pytest.raises(Refused, match="--repository"):
        with stage.served(None, None):
            pass


def test_what_the_service_refuses_is_one_line() -> None:
    with pytest.raises(Refused) as caught, stage.ending():
        raise ModelNotFound("no such model")
    assert caught.value.exit_code == 2
    assert caught.value.message == "no such model"


def test_the_log_of_a_service_that_failed_comes_before_the_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(Refused) as caught, stage.ending():
        raise ServiceFailed("it did not start", "what it said\n")
    caught.value.show()
    assert capsys.readouterr().err == "what it said\nerror: it did not start\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_has_its_exit_code(number: signal.Signals) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as caught, stage.ending():
        signal.raise_signal(number)
    assert caught.value.code == 130
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_interrupt_is_heard_where_a_shell_had_it_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(SystemExit), stage.ending():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
