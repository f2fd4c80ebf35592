"""`stepwire demo`: a group with a sub-command for each task."""

from __future__ import annotations

import click

from demo.forecast.command import forecast
from demo.memory.command import memory
from demo.morse.command import morse
from demo.pendulum.command import pendulum
from demo.sentiment.command import sentiment
from demo.sine.command import sine


@click.group()
def demo() -> None:
    """Watch a served network at work, one timestep per message."""


demo.add_command(forecast)
demo.add_command(memory)
demo.add_command(morse)
demo.add_command(pendulum)
demo.add_command(sentiment)
demo.add_command(sine)
