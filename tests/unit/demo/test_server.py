"""The child process: it ends with the block, whatever ends the block."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import demo.server
from demo.server import ServiceFailed, running
from stepwire.errors import StepwireError, Unavailable

READY = (
    "import os, signal, sys\n"
    "print('warming up', file=sys.stderr, flush=True)\n"
    "print(f'stepwire: listening on {os.getpid()}, serving one@1', flush=True)\n"
)
"""Says its process id in place of its address."""
WAIT = "signal.pause()\n"
STUBBORN = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"


def child(source: str) -> tuple[str, ...]:
    return (sys.executable, "-c", source)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_runs_in_the_block_and_not_after() -> None:
    with running(Path(), service=child(READY + WAIT)) as address:
        assert is_alive(int(address))
    assert not is_alive(int(address))


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, Unavailable])
def test_it_ends_when_the_block_fails(error: type[BaseException]) -> None:
    with pytest.raises(error):
        with running(Path(), service=child(READY + WAIT)) as address:
            raise error
    assert not is_alive(int(address))


@pytest.mark.parametrize(
    ("says", "heard"),
    [
        ("print('stepwire: health on x\\nstepwire: live page on http://127.0.0.1:1/')\n", 1),
        ("print('stepwire: health on x')\n", 0),
    ],
)
def test_who_wants_to_know_is_told_of_its_page(
    says: str, heard: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo.server, "PAGE_LIMIT", 0.2)
    told: list[str] = []
    flags = "assert sys.argv[-2:] == ['--http-listen', '127.0.0.1:0']\n"
    source = READY + flags + says + "sys.stdout.flush()\n" + WAIT
    with running(Path(), service=child(source), shown=told.append) as address:
        assert is_alive(int(address))
    assert told == ["http://127.0.0.1:1/"] * heard


def test_one_that_will_not_end_is_made_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo.server, "STOP_LIMIT", 0.05)
    with running(Path(), service=child(STUBBORN + READY + WAIT)) as address:
        assert is_alive(int(address))
    assert not is_alive(int(address))


def test_one_that_does_not_start_is_reported_with_its_log() -> None:
    refuses = "import sys; sys.exit('error: no models')"
    with pytest.raises(ServiceFailed, match=r"did not start \(exit code 1\)") as caught:
        with running(Path(), service=child(refuses)):
            pass
    assert caught.value.log == "error: no models\n"


def test_one_that_is_never_ready_is_not_waited_for_forever() -> None:
    with pytest.raises(ServiceFailed, match=r"was not ready within 0\.05 s"):
        with running(Path(), service=child("import signal\n" + WAIT), start_limit=0.05):
            pass


def test_one_that_dies_is_named_as_the_cause() -> None:
    with pytest.raises(ServiceFailed, match="ended while it was needed") as caught:
        with running(Path(), service=child(READY)) as address:
            os.waitid(os.P_PID, int(address), os.WEXITED | os.WNOWAIT)
            raise Unavailable("nobody answers")
    assert isinstance(caught.value.__cause__, StepwireError)
    assert caught.value.log == "warming up\n"


def test_it_is_told_what_to_serve_and_to_take_a_free_port(tmp_path: Path) -> None:
    tells = "import sys; print(*sys.argv[1:], file=sys.stderr)"
    with pytest.raises(ServiceFailed) as caught:
        with running(tmp_path, service=child(tells)):
            pass
    assert caught.value.log == f"--listen 127.0.0.1:0 --repository {tmp_path} --grace 1\n"
