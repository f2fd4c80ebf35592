from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest
from click.testing import CliRunner

from stepwire import cli


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


def test_an_unknown_command_is_refused() -> None:
    result = CliRunner().invoke(cli.main, ["fly"])
    assert result.exit_code == 2
    assert "No such command 'fly'" in result.output


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
