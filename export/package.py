"""The model package: a verified model file in its place in a repository."""

from __future__ import annotations

import io
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path

import onnx
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

from export.loss import Loss
from export.quantized import quantized
from export.source import ExportRefused, Source
from export.step_graph import build, check_fused
from export.user_code import place, told
from export.verify import Differences, Reference, reference_of, verify
from service.repository.manifest import Manifest, encode
from service.repository.packages import MODEL_FILE, MODEL_NAME, declaration_beside


@dataclass(frozen=True, slots=True)
class Package:
    path: Path
    size: int
    """Bytes."""
    differences: Differences
    losses: tuple[Loss, ...] = ()
    """Of each output, if the graph is quantized."""


def export(
    source: Source, folder: Path, *, force: bool = False, quantize_limit: float | None = None
) -> Package:
    """Builds, verifies, and only then writes `folder/model.onnx`.

    `folder` is a version's: `<repository>/<name>/<version>`. With `quantize_limit` its large
    products are in int8, and no output's RMS error exceeds that, relative to its RMS. Raises
    ExportRefused, with nothing written.
    """
    path = folder / MODEL_FILE
    if path.exists() and not force:
        raise ExportRefused(f"{path} exists: take another --version, or --force")
    if declaration := declaration_beside(path):
        raise ExportRefused(
            f"{declaration} is there, which no package of Stepwire's own has beside it: remove it, "
            "or take another --version"
        )
    reference = reference_of(source)
    model = _model(source, reference)
    differences = verify(model, reference)
    losses: tuple[Loss, ...] = ()
    if quantize_limit is not None:
        graph, manifest, recorded = quantized(model, source, reference, quantize_limit)
        model, losses = packed(graph, manifest, recorded), recorded.losses
        differences = replace(verify(model, recorded), from_torch=differences.from_torch)
    _write(path, model)
    return Package(path, len(model), differences, losses)


def _model(source: Source, reference: Reference) -> bytes:
    try:
        with _nothing_printed():
            graph = build(source.step, source.manifest)
            check_fused(graph, source.fused)
            return packed(graph, source.manifest, reference)
    except (Exception, SystemExit) as error:  # torch's, onnx's, protobuf's or the module's own
        raise _refused(error) from error


@contextmanager
def _nothing_printed() -> Iterator[None]:
    """Torch logs and prints whole graphs when it raises."""
    logging.disable(logging.CRITICAL)
    try:
        with redirect_stderr(io.StringIO()), redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(logging.NOTSET)


def _refused(error: BaseException) -> ExportRefused:
    """Of torch's chain of errors the first one, which alone is about the network."""
    while error.__cause__ is not None and not isinstance(error, ExportRefused):
        error = error.__cause__
    if isinstance(error, ExportRefused):
        return error
    if isinstance(error, GuardOnDataDependentSymNode):
        return ExportRefused(
            f"the network decides by the value of a tensor{place(error)}, which a graph cannot: "
            "use torch.where"
        )
    return ExportRefused(f"torch cannot make a graph of the network: {told(error)}")


def version_folder(repository: Path, name: str, version: int | None) -> Path:
    """Where a model goes; without a version, the next one. Raises ExportRefused."""
    if not MODEL_NAME.fullmatch(name):
        raise ExportRefused(
            f"{name!r} is no model name: letters, digits, '.', '_' and '-', at most 128, the first "
            "a letter or digit"
        )
    home = repository / name
    taken = [int(entry.name) for entry in home.glob("*") if entry.name.isdecimal()]
    return home / str(version if version is not None else max(taken, default=0) + 1)


def packed(graph: onnx.ModelProto, manifest: Manifest, reference: Reference) -> bytes:
    """The file: the graph, and in its metadata the manifest and the golden run."""
    model = onnx.ModelProto()
    model.CopyFrom(graph)
    onnx.helper.set_model_props(model, encode(manifest, reference.golden()))
    return model.SerializeToString()


def _write(path: Path, data: bytes) -> None:
    """The whole file or none: a service may be scanning the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp's are for the owner alone
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
