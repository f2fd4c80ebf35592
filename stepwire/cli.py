"""The `stepwire` command: a group that finds its sub-commands by entry points."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points

import click
from click.shell_completion import CompletionItem

from stepwire.guide import SECTIONS, entry_of

GROUP = "stepwire.commands"
_OTHERS = "Others"


class Commands(click.Group):
    """Loads a sub-command when it is asked for, so that one's imports are not another's."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(entry_points(group=GROUP).names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for found in entry_points(group=GROUP, name=cmd_name):
            return _load(found)
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not ctx.resilient_parsing and (near := self._meant(ctx, args[0])):
            ctx.fail(f"No such command {args[0]!r}. Did you mean {near!r}?")
        name, command, rest = super().resolve_command(ctx, args)
        entry = entry_of(name or "")
        if command and entry:
            command.epilog = entry.epilog()
        return name, command, rest

    def _meant(self, ctx: click.Context, word: str) -> str | None:
        """The command that a word is nearly; None if it is one, or like none."""
        names = self.list_commands(ctx)
        near = get_close_matches(word, names, n=1)
        return near[0] if near and word not in names else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        names = self.list_commands(ctx)
        width = max(map(len, names), default=0)
        for heading, present in _sections(names):
            commands = ((name, self.get_command(ctx, name)) for name in present)
            rows = [
                (name.ljust(width), command.get_short_help_str(limit=100))
                for name, command in commands
                if command
            ]
            with formatter.section(heading):
                formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """By name alone: to say what a command does it would have to be loaded."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        names = self.list_commands(ctx)
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _sections(names: list[str]) -> Iterator[tuple[str, list[str]]]:
    """The commands that are there, by the guide's headings and in its order."""
    for heading, commands in SECTIONS.items():
        if present := [name for name in commands if name in names]:
            yield heading, present
    if others := [name for name in names if not entry_of(name)]:
        yield _OTHERS, others


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


@click.group(
    cls=Commands,
    epilog="\b\n"
    "To begin:\n"
    "  stepwire demo pendulum          # a served network balances a pendulum\n"
    "  stepwire serve                  # the models of model_repository/, for your client\n"
    "  stepwire COMMAND --help         # its options, with examples\n\n"
    "docs/README.md lists every page of the documentation.",
)
@click.version_option(package_name="stepwire")
def main() -> None:
    """Recurrent networks served live, one timestep per message."""
