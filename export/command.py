"""`stepwire export`: from a run folder to a model package."""

from __future__ import annotations

from pathlib import Path

import click

from models.cli import Refused, require

NEEDED = ("torch", "onnx", "onnxscript", "onnxruntime", "safetensors")


@click.command(context_settings={"show_default": True})
@click.argument("run", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--to",
    "repository",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("model_repository"),
    help="The model repository.",
)
@click.option("--name", help="The model's name; the run folder's if left out.")
@click.option("--version", type=click.IntRange(1), help="The next one if left out.")
@click.option("--force", is_flag=True, help="Overwrite the version if it is there.")
def export(run: Path, repository: Path, name: str | None, version: int | None, force: bool) -> None:
    """Export the network of folder RUN as a package that the service can load.

    The graph is stepped as the service steps it and compared with the network in torch; only if
    they agree is anything written.
    """
    require("an export", NEEDED, extra="train")
    import torch

    from export import package, verify
    from export.run_source import source_of
    from export.source import ExportRefused
    from models.runs import RunUnreadable

    torch.set_num_threads(1)  # a second thread costs small networks more than it brings
    try:
        folder = package.version_folder(repository, name or run.resolve().name, version)
        made = package.export(source_of(run), folder, force=force)
    except (ExportRefused, RunUnreadable, OSError) as error:
        raise Refused(str(error)) from error
    differences = made.differences
    click.echo(
        f"torch over {verify.STEPS} steps = stepped: largest difference "
        f"{differences.from_torch:.2g}\n"
        f"alone = in a batch of {verify.ROWS}: largest difference {differences.alone:.2g}\n"
        f"{made.path}: {made.size / 1000:.0f} kB\n"
        f"Next: stepwire serve --repository {repository}"
    )
