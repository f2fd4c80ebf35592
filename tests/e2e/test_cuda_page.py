"""The page on CUDA: its commands, as far as they need no device."""

from __future__ import annotations

import ast
import inspect
import re
import shlex
import subprocess
from pathlib import Path

import onnx
import onnxruntime
import pytest

from service.runtime import choice
from tests.pages import ROOT, Page, environment
from torture.processes import running

PAGE = Page("docs/cuda.md")
WITHOUT_CUDA = pytest.mark.skipif(
    not choice.chosen("auto").device.is_host, reason="CUDA is there: its errors cannot be had"
)


def flags(containing: str) -> list[str]:
    """Of the page's one `stepwire serve` that contains a string."""
    name, command, *given = shlex.split(PAGE.block("sh", containing))
    assert (name, command) == ("stepwire", "serve")
    return given


def shown(text: str) -> str:
    """A block of the page, with the release that is installed here."""
    return re.sub(r"(?<=onnxruntime )[\d.]+", onnxruntime.__version__, PAGE.block("", text))


@WITHOUT_CUDA
def test_without_cuda_a_service_that_is_to_use_it_does_not_start(repository: Path) -> None:
    for device in ("serve --device cuda\n", "serve --device cuda:0\n"):
        done = subprocess.run(
            ["stepwire", "serve", *flags(device), "--repository", repository],
            env=environment(),
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == shown("error: device")


@WITHOUT_CUDA
def test_without_cuda_auto_takes_the_cpu_and_says_why(repository: Path, tmp_path: Path) -> None:
    with running(repository, *flags("--device-memory"), log=tmp_path / "log") as server:
        assert server.process.stdout and server.process.stdout.readline() == shown("stepwire:")
        assert shown("stepwire:").removeprefix("stepwire: ") in server.log


@WITHOUT_CUDA
def test_on_the_cpu_a_fixed_batch_is_told_to_change_nothing(
    repository: Path, tmp_path: Path
) -> None:
    with running(repository, *flags("--deterministic"), log=tmp_path / "log") as server:
        assert "--deterministic changes nothing here" in server.log


def test_the_page_lists_what_is_said() -> None:
    said = [
        _pattern(node)
        for node in ast.walk(ast.parse(inspect.getsource(choice)))
        if isinstance(node, ast.Constant | ast.JoinedStr)
    ]
    for told, _ in PAGE.table("what may be missing"):
        assert any(re.fullmatch(pattern, told) for pattern in said), told


def test_the_page_names_the_bundled_models_whose_gru_the_device_has_not() -> None:
    files = sorted((ROOT / "model_repository").glob("*/*/model.onnx"))
    without = [file.parts[-3] for file in files if not _is_linear_before_reset(file)]
    [told] = re.findall(r"So (?:is|are) (.+) of the bundled models", PAGE.text)
    assert re.findall("`([^`]+)`", told) == without


def _is_linear_before_reset(file: Path) -> bool:
    cells = [node for node in onnx.load(file).graph.node if node.op_type == "GRU"]
    given = [{each.name: each.i for each in cell.attribute} for cell in cells]
    return all(attributes.get("linear_before_reset") == 1 for attributes in given)


def _pattern(text: ast.expr) -> str:
    """Of a string or an f-string, what it may come to; longer reasons are left out of the page."""
    match text:
        case ast.Constant(value=str(value)):
            return re.escape(value)
        case ast.JoinedStr(values=parts):
            pattern = "".join(_pattern(part) for part in parts)
            return pattern.replace(r",\ for\ .+", "(?:, for .+)?")
        case _:
            return ".+"
