from __future__ import annotations

import contextlib
import re
import shlex
from importlib.metadata import EntryPoint, entry_points

import click
import pytest
from click.testing import CliRunner

from stepwire import cli
from stepwire.guide import SECTIONS, entry_of
from tests.pages import ROOT


def found(*entries: EntryPoint) -> object:
    class Found(list[EntryPoint]):
        @property
        def names(self) -> set[str]:
            return {entry.name for entry in self}

    return lambda group, name=None: Found(e for e in entries if name in (None, e.name))


def test_the_help_lists_every_command() -> None:
    shown = CliRunner().invoke(cli.main, ["--help"]).output
    for name in ("demo", "export", "serve", "train"):
        assert f"  {name} " in shown


def test_every_command_stands_in_a_section() -> None:
    listed = {name for commands in SECTIONS.values() for name in commands}
    assert set(entry_points(group=cli.GROUP).names) == listed
    shown = CliRunner().invoke(cli.main, ["--help"]).output
    for heading in SECTIONS:
        assert f"\n{heading}:\n" in shown


EXAMPLES = [
    line for commands in SECTIONS.values() for entry in commands.values() for line in entry.examples
]


@pytest.mark.parametrize("line", EXAMPLES)
def test_an_example_is_understood(line: str) -> None:
    """Up to the work itself: each command of the line finds its options and arguments."""
    [(_, said)] = re.findall(r"(\$\(|^)(stepwire [^|)]*)", line)
    _, *words = shlex.split(said, comments=True)
    context = cli.main.make_context("stepwire", words)
    while isinstance(group := context.command, click.Group):
        _, command, rest = group.resolve_command(context, [*context._protected_args, *context.args])
        assert command
        with contextlib.suppress(click.exceptions.Exit):  # --help
            context = command.make_context(command.name, rest, parent=context)
            continue
        return


@pytest.mark.parametrize("name", sorted({name for each in SECTIONS.values() for name in each}))
def test_the_help_of_a_command_ends_with_examples_and_a_page(name: str) -> None:
    shown = CliRunner().invoke(cli.main, [name, "--help"], terminal_width=100).output
    entry = entry_of(name)
    assert entry and (ROOT / entry.page).exists()
    assert shown.endswith(f"  More: {entry.page}\n")
    for example in entry.examples:
        assert f"    {example}\n" in shown


def test_an_unknown_command_is_refused() -> None:
    result = CliRunner().invoke(cli.main, ["fly"])
    assert result.exit_code == 2
    assert "No such command 'fly'" in result.output


def test_a_command_that_is_nearly_one_is_told_which() -> None:
    result = CliRunner().invoke(cli.main, ["comparee"])
    assert result.exit_code == 2
    assert "No such command 'comparee'. Did you mean 'compare'?" in result.output


def test_a_command_whose_packages_are_missing_names_its_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = EntryPoint("serve", "no_such_package.command:serve [serve]", cli.GROUP)
    monkeypatch.setattr(cli, "entry_points", found(entry))
    result = CliRunner().invoke(cli.main, ["serve", "--listen", "x"])
    assert result.exit_code == 2
    assert (
        "`stepwire serve` needs no_such_package: install it with `pip install 'stepwire[serve]'`"
        in result.output
    )
    assert "no_such_package is missing" in CliRunner().invoke(cli.main, ["--help"]).output
