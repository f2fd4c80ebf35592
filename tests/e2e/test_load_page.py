"""The page on load: its commands run, and it knows every option and figure."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtest.command import load
from loadtest.conduct import FAILED, INTERRUPTED
from loadtest.criteria import criterion
from loadtest.table import rows
from stepwire.refused import Refused
from tests.loads import interval, outcome
from tests.pages import ADDRESS, ROOT, Page, ran
from torture.processes import Server, running

PAGE = Page("docs/load.md")
BRIEF = "--duration 0.5 --ramp 0.1"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Of the models that the page names."""
    folder = tmp_path_factory.mktemp("load")
    for model in ("pendulum-gru", "sine-gru"):
        shutil.copytree(ROOT / "model_repository" / model, folder / "models" / model)
    with running(folder / "models", log=folder / "log") as own:
        yield own


def commands(containing: str) -> list[str]:
    """Lines of the page's shell blocks, continued ones as one."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.text, re.M | re.S)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [line for line in lines if containing in line]


def shown_after(command: str) -> str:
    """The output that the page has below a command."""
    (output,) = re.findall(
        re.escape(f"{command}\n```\n\n```\n") + r"(.*?)^```$", PAGE.text, re.M | re.S
    )
    return str(output)


def test_the_commands_run(server: Server, tmp_path: Path) -> None:
    written = set()
    for command in commands("stepwire load"):
        if "--find-max" not in command:
            done = ran(f"{command.replace(ADDRESS, server.address)} {BRIEF}", tmp_path)
            assert "steps answered" in done.stdout, done.stderr
            # The limits of the page are for its machine, and this one may be busy.
            assert done.returncode == ("failed: " in done.stderr)
            written |= set(re.findall(r"(?:--report|--json) (\S+)", command))
    assert (
        {path.name for path in tmp_path.iterdir()}
        == written
        == {
            "load.html",
            "load.json",
            "triton.json",
        }
    )


def test_the_search_is_one_that_the_command_takes() -> None:
    (command,) = commands("--find-max")
    context = load.make_context("load", re.sub("'", "", command).split()[2:])
    assert [each.text for each in context.params["find_max"]] == ["p99<50ms"]


def test_outputs_have_the_rows_that_the_command_prints() -> None:
    everything = outcome(interval([0.001], batches={1: 1}))
    everything.total.queued = 1.0
    terms = [term for term, _ in rows(everything)]
    shown = shown_after(commands("--report load.html")[0])
    assert [line.split("  ")[1].strip() for line in shown.splitlines() if line[:2] == "  "] == terms
    assert [row[0] for row in PAGE.table("row")] == terms


def test_the_page_knows_every_exit_code() -> None:
    codes = [row[0] for row in PAGE.table("exit code")]
    assert codes == ["0", str(FAILED), str(Refused.exit_code), str(INTERRUPTED)]


def test_every_option_is_on_the_page_and_no_other() -> None:
    taken = {name for parameter in load.params for name in parameter.opts if name[:2] == "--"}
    told = set(re.findall(r"`(--[a-z-]+)", PAGE.text)) | set(
        re.findall(r" (--[a-z-]+)", " ".join(commands("stepwire load")))
    )
    assert told == taken - {"--credential"}, "which is hidden"


def test_the_figures_of_the_table_have_limits_that_can_be_read() -> None:
    for names, limits in PAGE.table("figure"):
        for name in re.findall(r"p[\d.]+|mean|max|rate|errors|miss|late|batch", names):
            examples = re.findall(r"\d[\w.]*%?", limits)
            assert examples and [criterion(f"{name}<{each}") for each in examples]
