"""`stepwire export`: from a run folder or a module of the user's to a model package."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from models.cli import Refused, require

if TYPE_CHECKING:
    from export.package import Package
    from export.source import Source

NEEDED = ("torch", "onnx", "onnxscript", "onnxruntime", "safetensors")


class _ModuleOptions(NamedTuple):
    """What can be said of a module and not of a run folder, which says it by itself."""

    weights: Path | None
    input: tuple[str, ...]
    sample: Path | None


@click.command(
    short_help="Make a verified package of a network.",
    context_settings={"show_default": True},
)
@click.argument("target")
@click.option(
    "--to",
    "repository",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("model_repository"),
    help="The model repository.",
)
@click.option("--name", help="The model's name; the run folder's or the module's if left out.")
@click.option("--version", type=click.IntRange(1), help="The next one if left out.")
@click.option("--force", is_flag=True, help="Overwrite the version if it is there.")
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    help="Of a module: a .safetensors file, or a checkpoint that holds tensors alone.",
)
@click.option(
    "--input",
    multiple=True,
    metavar="NAME=DTYPE[SHAPE]",
    help="Of a module: an input at one timestep, such as 'x=float32[3]', if it is not found.",
)
@click.option(
    "--sample",
    type=click.Path(path_type=Path),
    help="Of a module: recorded inputs [N, T, ...] for the proof, .npy or .safetensors.",
)
@click.option(
    "--quantize",
    type=click.Choice(["int8"]),
    help="Large matrix products in 8-bit integers, if that costs little enough.",
)
@click.option(
    "--quantize-limit",
    type=click.FloatRange(min=0, min_open=True),
    help="Largest RMS error that --quantize may cost, of an output's RMS; 0.05 if left out.",
)
def export(
    target: str,
    repository: Path,
    name: str | None,
    version: int | None,
    force: bool,
    quantize: str | None,
    quantize_limit: float | None,
    **options: object,
) -> None:
    """Export TARGET as a package that the service can load.

    TARGET is the folder of a run, or a module of your own, as in `my_package.my_module:build`,
    found from the current directory: an nn.Module, or what gives one when it is called.

    The graph is stepped as the service steps it and compared with the network in torch; only if
    they agree is anything written.
    """
    require("an export", NEEDED, extra="train")
    import torch

    from export import package
    from export.quantized import LIMIT
    from export.source import ExportRefused
    from models.runs import RunUnreadable

    torch.set_num_threads(1)  # a second thread costs small networks more than it brings
    if quantize_limit and not quantize:
        raise Refused("--quantize-limit is of --quantize int8, which is not given")
    limit = (quantize_limit or LIMIT) if quantize else None
    try:
        found = _found(target, _ModuleOptions(**options))  # type: ignore[arg-type]  # click's types
        folder = package.version_folder(repository, found.name if name is None else name, version)
        made = package.export(found.source, folder, force=force, quantize_limit=limit)
    except (ExportRefused, RunUnreadable, OSError) as error:
        raise Refused(str(error)) from error
    click.echo(found.note + _summary(made, repository))


class _Found(NamedTuple):
    source: Source
    name: str
    """The model's, if no other is given."""
    note: str = ""
    """What the user should know beside the proof."""


def _found(target: str, options: _ModuleOptions) -> _Found:
    from export import module_source, run_source
    from export.source import ExportRefused
    from export.target import model_name

    folder = Path(target)
    if folder.is_dir():
        for option, value in options._asdict().items():
            if value:
                raise ExportRefused(
                    f"--{option} is for a module of your own: {target} is a run folder, which has "
                    "its own"
                )
        return _Found(run_source.source_of(folder), folder.resolve().name)
    if ":" not in target:
        raise ExportRefused(
            f"there is no folder {target}; a module is written package.module:attribute"
        )
    source = module_source.source_of(
        target, filled_from=options.weights, inputs=options.input, recorded=options.sample
    )
    note = "" if options.weights else "no --weights: the module keeps its own\n"
    return _Found(source, model_name(target), note)


def _summary(made: Package, repository: Path) -> str:
    from export.loss import TIMESTEPS

    differences = made.differences
    lost = "".join(f"int8 over {TIMESTEPS} steps: {loss} of its RMS\n" for loss in made.losses)
    return (
        f"torch over {differences.steps} steps = stepped: largest difference "
        f"{differences.from_torch:.2g}\n{lost}"
        f"alone = in a batch of {differences.rows}: largest difference {differences.alone:.2g}\n"
        f"{made.path}: {made.size / 1000:.0f} kB\n"
        f"Next: stepwire serve --repository {repository}"
    )
