"""`stepwire demo pendulum`, as a process, with the bundled models."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from torture.processes import Server

ROOT = Path(__file__).parents[2]
COMMAND = (str(Path(sys.executable).parent / "stepwire"), "demo", "pendulum")
GRU, MEMORYLESS = "pendulum-gru", "pendulum-memoryless"


def demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "--speed", "max", *arguments],
        cwd=folder,
        env={**os.environ, "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def summary(output: str) -> dict[str, dict[str, str]]:
    """The table's columns: figures by label, by model."""
    (head,) = re.findall(r"^┃(.*)┃$", output, re.MULTILINE)
    _, *models = [cell.strip() for cell in head.split("┃")]
    columns: dict[str, dict[str, str]] = {model: {} for model in models}
    for line in re.findall(r"^│(.*)│$", output, re.MULTILINE):
        label, *cells = [cell.strip() for cell in line.split("│")]
        for model, cell in zip(models, cells, strict=True):
            columns[model][label] = cell
    return columns


def test_the_gru_stands_the_memoryless_network_does_not_and_the_summary_says_so(
    tmp_path: Path,
) -> None:
    done = demo(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    columns = summary(done.stdout)
    assert list(columns) == [GRU, MEMORYLESS]
    gru, memoryless = columns.values()
    assert (gru["stands at the end"], memoryless["stands at the end"]) == ("yes", "no")
    assert 0 < float(gru["time to upright [s]"]) <= 7
    assert 0 < float(gru["mean |angle| after it [rad]"]) < 0.2
    assert memoryless["time to upright [s]"] == memoryless["mean |angle| after it [rad]"] == "-"
    for column in (gru, memoryless):
        assert 0 < float(column["round trip, p50 [ms]"]) <= float(column["round trip, p99 [ms]"])
        assert re.fullmatch(r"\d+ of 200", column["late steps"])
    assert done.stdout.endswith("Picture: build/pendulum.png\npendulum-gru stands.\n")
    assert (tmp_path / "build" / "pendulum.png").read_bytes().startswith(b"\x89PNG")


def test_a_network_that_fails_is_an_exit_code_of_one(tmp_path: Path, bundled: Server) -> None:
    picture = tmp_path / "picture.png"
    done = demo(
        tmp_path,
        *("--model", MEMORYLESS, "--connect", bundled.address),
        *("--start", "random", "--picture", str(picture)),
    )
    assert (done.returncode, done.stderr) == (1, "")
    columns = summary(done.stdout)
    assert list(columns) == [MEMORYLESS]
    assert columns[MEMORYLESS]["stands at the end"] == "no"
    assert done.stdout.endswith("pendulum-memoryless does not stand.\n")
    assert picture.exists()


def test_the_models_of_the_current_folder_are_served_and_a_missing_rival_is_said(
    tmp_path: Path,
) -> None:
    shutil.copytree(ROOT / "model_repository" / GRU, tmp_path / "model_repository" / GRU)
    done = demo(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert list(summary(done.stdout)) == [GRU]
    assert "pendulum-memoryless is not served there" in done.stdout


@pytest.mark.parametrize(
    ("model", "reason"),
    [("nosuch", "nosuch"), ("sine-gru", "sine-gru takes .* name a --model that takes 2 values")],
)
def test_a_model_that_cannot_steer_is_one_line(
    tmp_path: Path, bundled: Server, model: str, reason: str
) -> None:
    done = demo(tmp_path, "--model", model, "--connect", bundled.address)
    assert done.returncode == 2
    assert re.fullmatch(rf"error: .*{reason}.*\n", done.stderr)


def test_a_service_that_does_not_start_shows_its_log(tmp_path: Path) -> None:
    done = demo(tmp_path, "--repository", str(tmp_path / "nowhere"))
    assert done.returncode == 2
    *log, line = done.stderr.splitlines()
    assert "nowhere" in "".join(log)
    assert line.startswith("error: the service did not start")


def test_a_served_network_goes_on_with_a_sine(tmp_path: Path, bundled: Server) -> None:
    command = [*COMMAND[:2], "sine", "--speed", "max", "--connect", bundled.address]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    [(network, last)] = re.findall(r"RMSE ([\d.]+);.*: ([\d.]+)\.$", done.stdout)
    assert float(network) < float(last) / 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_no_child_and_gives_the_cursor_back(
    tmp_path: Path, number: signal.Signals
) -> None:
    screen, terminal = os.openpty()
    process = subprocess.Popen(
        COMMAND,
        cwd=tmp_path,
        env={**os.environ, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    try:
        shown = read_until(screen, b"elapsed")
        (child,) = children(process.pid)
        process.send_signal(number)
        shown += read_until(screen, None)
        assert process.wait(10) == 130
    finally:
        process.kill()
        process.wait()
        os.close(screen)
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    assert shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l")
    assert b"Traceback" not in shown


def read_until(screen: int, text: bytes | None) -> bytes:
    """What a terminal is sent, until some text or the end."""
    seen = b""
    while text is None or text not in seen:
        try:
            data = os.read(screen, 65536)
        except OSError:  # Linux has no end of file for a terminal that nobody holds
            data = b""
        if not data:
            break
        seen += data
    return seen


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
