"""The `stepwire` command: a group that finds its sub-commands by entry points."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

import click

GROUP = "stepwire.commands"


class Commands(click.Group):
    """Loads a sub-command when it is asked for, so that one's imports are not another's."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(entry_points(group=GROUP).names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for found in entry_points(group=GROUP, name=cmd_name):
            return _load(found)
        return None


def _load(found: EntryPoint) -> click.Command:
    try:
        command = found.load()
    except ModuleNotFoundError as error:
        return _missing(found, error.name or str(error))
    assert isinstance(command, click.Command)
    return command


def _missing(found: EntryPoint, module: str) -> click.Command:
    @click.command(
        found.name,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
        short_help=f"(not installed: {module} is missing)",
    )
    def explain() -> None:
        raise click.UsageError(
            f"`stepwire {found.name}` needs {module}: "
            f"install it with `pip install 'stepwire[{','.join(found.extras)}]'`"
        )

    return explain


@click.group(cls=Commands)
@click.version_option(package_name="stepwire")
def main() -> None:
    """Recurrent networks served live, one timestep per message."""
