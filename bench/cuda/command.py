"""`python -m bench.cuda`."""

from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path

import click

from bench import report
from bench.cuda import circumstances, figures, measuring, modules, page
from bench.cuda.modules import TorchUnavailable
from bench.cuda.rounds import FULL, QUICK
from bench.load import LoadFailed
from bench.process import ServerFailed
from service.core.errors import ModelRefused
from service.runtime.choice import DeviceUnavailable, choose
from service.runtime.device import Device
from stepwire.refused import Refused


@click.command()
@click.option(
    "--device",
    "text",
    default="cuda",
    show_default=True,
    help="cuda, cuda:N, or cpu, which shows that it works and no more",
)
@click.option(
    "--only",
    type=click.Choice(measuring.PARTS),
    multiple=True,
    help="a part of the measurement; may be given several times",
)
@click.option("--quick", is_flag=True, help="few and small rounds: a smoke test")
@click.option(
    "--write",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="the page whose figures are replaced: docs/cuda.md",
)
def cuda(text: str, only: tuple[str, ...], quick: bool, path: Path | None) -> None:
    """Measure the device path: against torch on the same device, and against the naive arena.

    Ratios are those of neighbouring rounds: the median, and the least and largest.
    """
    parts = only or measuring.PARTS
    device = _chosen(text, parts)
    if path:
        _refuse(device, whole=not (only or quick))
        page.check(path)
    told = circumstances.told(device.name)
    click.echo(f"{told}\n")
    found, asked = measuring.Findings(), not device.is_host
    try:
        _measure(found, device, parts, quick=quick)
    finally:
        _print(found, asked=asked)
    if path:
        page.write(f"{told}\n\n{figures.markdown(found, asked=asked)}", path)
        click.echo(f"written: {path}", err=True)


def _measure(
    found: measuring.Findings, device: Device, parts: Collection[str], *, quick: bool
) -> None:
    plan = QUICK if quick else FULL
    try:
        measuring.measure(found, measuring.NETWORKS, device, plan, parts, _progress)
    except (ModelRefused, LoadFailed, ServerFailed, MemoryError) as error:
        raise Refused(f"the measurement broke off: {error}") from error


def _print(found: measuring.Findings, *, asked: bool) -> None:
    """What there is: of a measurement that broke off, the parts before."""
    for title, results in figures.ratios(found, asked=asked):
        click.echo(f"{report.heading()}\n{report.table(title, results)}\n")
    click.echo(figures.markdown(found, asked=asked))


def _chosen(text: str, parts: Collection[str]) -> Device:
    try:
        device = choose(text)
        if "steps" in parts:
            modules.check(device.binding[0])
    except (DeviceUnavailable, TorchUnavailable, ValueError) as error:
        raise Refused(str(error)) from error
    return device


def _refuse(device: Device, *, whole: bool) -> None:
    """Of what a page may not be written."""
    if device.is_host:
        raise Refused("--write takes the figures of a CUDA device: name one with --device cuda")
    if not whole:
        raise Refused("--write takes a whole measurement: leave out --only and --quick")


def _progress(text: str) -> None:
    end = "\r" if sys.stderr.isatty() else "\n"
    click.echo(f"{text:<60}{end}", nl=False, err=True)
