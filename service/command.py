"""`stepwire serve`, and `python -m service`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click
import uvloop

from service.app import load_process, serve_alone
from service.repository.packages import RepositoryError
from service.runtime.loss import DEVICE_LOST, DeviceLost
from service.settings import Settings, SettingsError, default_of, flag_of, load, variable_of
from service.startup import StartError, prepare
from service.workers.parent import supervise


def _option(name: str) -> click.Option:
    field = Settings.model_fields[name]
    text = f"{field.description}  [{variable_of(name)}; default: {default_of(name)}]"
    if field.annotation is bool:
        return click.Option([flag_of(name)], is_flag=True, default=None, help=text)
    return click.Option([flag_of(name)], help=text)


@click.command()
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    envvar="STEPWIRE_CONFIG",
    help="TOML file of settings, named as the flags with _ for -  [STEPWIRE_CONFIG]",
)
def serve(config: Path | None, **flags: Any) -> None:
    """Serve the models of a repository over gRPC.

    A flag goes before its environment variable, which goes before the file.
    """
    try:
        settings = load({name: value for name, value in flags.items() if value is not None}, config)
        prepare(settings.log_level, settings.log_format)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            if settings.workers > 1:
                runner.run(supervise(settings))
            else:
                runner.run(serve_alone(settings, load_process(settings)))
    except DeviceLost as error:
        click.echo(f"error: {error}; start it again to have its streams go on", err=True)
        raise SystemExit(DEVICE_LOST) from error
    except (SettingsError, RepositoryError, StartError) as error:
        for line in str(error).splitlines():
            click.echo(f"error: {line}", err=True)
        raise SystemExit(2) from error


serve.params.extend(map(_option, Settings.model_fields))
