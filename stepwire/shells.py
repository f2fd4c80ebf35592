"""`stepwire completion`: what a shell reads to complete commands, options and models."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command(short_help="Teach a shell to complete commands, options and models.")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what SHELL reads to complete `stepwire` at the press of Tab.

    It completes commands, options, files, and the names of models: those of the server that
    the line names, if that is on this machine, or else of model_repository/.
    """
    root = context.find_root()
    shell_of = get_completion_class(shell)
    assert shell_of
    click.echo(shell_of(root.command, {}, "stepwire", "_STEPWIRE_COMPLETE").source())
