"""`stepwire demo`: a group with a sub-command for each closed loop."""

from __future__ import annotations

import click

from demo.pendulum.command import pendulum


@click.group()
def demo() -> None:
    """Watch a served network at work, one timestep per message."""


demo.add_command(pendulum)
