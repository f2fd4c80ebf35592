"""`stepwire inspect`: what a model file is to the service, before it is served."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import click

from service.core.errors import ModelRefused
from service.repository import report
from service.repository.description import Description, describe, is_described
from service.repository.foreign.declaration import Declaration, DeclarationError, read
from service.repository.foreign.inference import infer
from service.repository.foreign.starter import starter
from service.repository.manifest import ManifestError, decode
from service.repository.packages import MODEL_FILE, declaration_beside
from service.runtime.choice import DeviceUnavailable, choose
from service.runtime.device import Device
from service.runtime.graph import Graph
from service.runtime.loading import proven_stepper
from service.runtime.stepper import Batching
from service.runtime.trial import TRIAL_STEPS
from stepwire.refused import Refused

_TOGETHER = {
    Batching.ANY: "streams share runs",
    Batching.AT_LEAST_TWO: "streams share runs",
    Batching.CLOSELY: "streams share runs, and how many do shows in their last bits",
    Batching.ONE: "every stream runs by itself",
}


@click.command(short_help="Tell what an ONNX file is to the service.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--toml",
    type=click.Path(path_type=Path),
    help="Write the model.toml to this file, which must not be there yet.",
)
@click.option(
    "--device",
    default="auto",
    show_default=True,
    envvar="STEPWIRE_DEVICE",
    show_envvar=True,
    help="Where it is run: cpu, cuda, cuda:N, or auto (cuda where it is there, else cpu).",
)
def inspect(file: Path, toml: Path | None, device: str) -> None:
    """Tell what the ONNX file FILE is to the service, and print a model.toml to start from.

    A model.toml beside a file named model.onnx is taken into account. Whatever is not in
    doubt is run, as the service does when it loads the file.
    """
    try:
        graph = Graph(file, device=_device(device))
        declaration = _declaration(file)
        if is_described(graph.facts):
            _inspect_package(graph, file, declaration, toml)
        else:
            _inspect_foreign(graph, file, declaration, toml)
    except BrokenPipeError:  # who reads the output has left: click's to end
        raise
    except OSError as error:
        raise Refused(f"{error.filename or file}: {error.strerror or error}") from error
    except (ModelRefused, ManifestError, DeclarationError) as error:
        raise Refused(f"{file}: {error}") from error
    except MemoryError as error:
        raise Refused(f"{file}: out of memory: {error}") from error


def _device(text: str) -> Device:
    try:
        return choose(text)
    except (ValueError, DeviceUnavailable) as error:
        raise Refused(f"--device {text}: {error}") from error


def _inspect_package(graph: Graph, file: Path, declaration: Path | None, toml: Path | None) -> None:
    if toml:
        raise ModelRefused("it describes itself by its metadata and takes no model.toml")
    described = describe(graph.facts, declaration)
    _tell(report.of_package(*decode(graph.facts.metadata)))
    click.echo(f"\n{_proven(graph, described)}")
    _tell_next(file)


def _inspect_foreign(graph: Graph, file: Path, declaration: Path | None, toml: Path | None) -> None:
    declared = read(declaration) if declaration else Declaration()
    inferred = infer(graph.facts, declared)
    text = starter(inferred, declared)
    _tell(report.of_graph(graph.facts))
    click.echo()
    _tell(report.of_inference(inferred, declared))
    click.echo(f"\nmodel.toml\n\n{text}")
    if toml:
        _write(toml, text)
        click.echo(f"Wrote {toml}.")
    if inferred.problems:
        click.echo(
            "It cannot be served yet: settle what is in doubt in a model.toml beside model.onnx."
        )
        return
    described = describe(graph.facts, declaration)
    click.echo(_proven(graph, described))
    _tell_next(file)


def _proven(graph: Graph, found: Description) -> str:
    """Raises ModelRefused."""
    stepper = proven_stepper(graph, found.signature, found.golden, found.constants)
    together = _TOGETHER[stepper.batching]
    where = "" if graph.device.is_host else f" on {graph.device.name}"
    ran = (
        f"It gives the outputs of its golden run of {found.golden.steps} steps"
        if found.golden
        else f"Run for {TRIAL_STEPS} steps of random inputs, its outputs are finite and repeatable"
    )
    return f"{ran}{where}; {together}."


def _tell_next(file: Path) -> None:
    """How to serve the file where it is, or where it has to go."""
    if file.name == MODEL_FILE and file.absolute().parent.name.isdigit():
        repository = os.path.normpath(file.parent / ".." / "..")
        click.echo(f"Next: stepwire serve --repository {repository}")
        return
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", file.stem).strip("-._") or "model"
    beside = " and model.toml beside it" if _declaration(file) else ""
    click.echo(
        f"It can be served as it is. Next: copy it to model_repository/{name}/1/{MODEL_FILE}"
        f"{beside}, then: stepwire serve --repository model_repository"
    )


def _declaration(file: Path) -> Path | None:
    """A model.toml belongs to the model.onnx beside it, not to files of other names."""
    return declaration_beside(file) if file.name == MODEL_FILE else None


def _tell(lines: Iterator[str]) -> None:
    """A file's names are printed, never obeyed: a terminal takes some signs for commands."""
    for line in lines:
        click.echo("".join(sign if sign.isprintable() else "\ufffd" for sign in line))


def _write(path: Path, text: str) -> None:
    """Whole or not at all, and never over a file that is there."""
    if path.exists():
        raise Refused(f"{path} is there already: name another file, or remove it")
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
